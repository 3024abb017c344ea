package operation

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// What says on what a mutation works. Nothing else of its arguments is told: the configuration of a run
// and its tags may hold what is nobody's business.
var selectors = []string{
	"assetKey", "backfillId", "componentId", "componentType", "concurrencyKey", "defsStateKey", "id",
	"jobName", "jobOriginId", "jobSelectorId", "limit", "locationName", "parentRunId", "partitionKey",
	"partitionKeys", "partitionName", "partitionNames", "partitionSetName", "partitionsDefName", "path",
	"paused", "pipelineName", "repositoryLocationName", "repositoryName", "runId", "runIds",
	"scheduleName", "scheduleOriginId", "scheduleSelectorId", "sensorName", "stepKey", "strategy",
	"terminatePolicy", "timestamp",
}

// What is not looked into: the code's own configuration, in which a name may mean anything.
var opaque = []string{"attributes", "executionMetadata", "metadata", "runConfigData", "tags"}

const (
	maxDepth = 8
	maxItems = 20
	maxRunes = 200
)

// reduce returns the selectors in a mutation's arguments: name → string, number, true or false, or a
// list of these. Of a name that is there more than once each value is in the list.
func reduce(arguments map[string]any) map[string]any {
	found := make(map[string][]any)
	collect(found, "", arguments, 0)
	reduced := make(map[string]any, len(found))
	for name, values := range found {
		if len(values) == 1 {
			reduced[name] = values[0]
		} else {
			reduced[name] = values
		}
	}
	return reduced
}

func collect(found map[string][]any, name string, value any, depth int) {
	if depth > maxDepth {
		return
	}
	switch each := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(each)) {
			if !slices.Contains(opaque, key) {
				collect(found, key, each[key], depth+1)
			}
		}
	case []any:
		for _, item := range each {
			collect(found, name, item, depth+1)
		}
	case nil:
	default:
		if slices.Contains(selectors, name) && len(found[name]) < maxItems {
			found[name] = append(found[name], short(each))
		}
	}
}

func short(value any) any {
	switch value.(type) {
	case bool, int, int64, float64:
		return value
	}
	text := fmt.Sprint(value)
	if utf8.RuneCountInString(text) > maxRunes {
		return string([]rune(text)[:maxRunes]) + "…"
	}
	return text
}
