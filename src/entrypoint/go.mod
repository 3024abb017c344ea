module dagnix/runtime

go 1.24

require (
	github.com/lib/pq v1.12.3
	github.com/pelletier/go-toml/v2 v2.4.3
	go.yaml.in/yaml/v3 v3.0.6
)

require github.com/robfig/cron/v3 v3.0.1
