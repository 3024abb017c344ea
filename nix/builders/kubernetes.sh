# Kubernetes' programs and CoreDNS from vendored modules → bin/. One call compiles what they share once.
# In: $go, $vendor, $coredns.
export GOROOT=$(echo "$go"/usr/lib/go-*)
export HOME=$TMPDIR GOCACHE=$TMPDIR/cache GOPATH=$TMPDIR/path
mkdir module
cd module
ln -s "$vendor/vendor" .
cp "$vendor"/go.* .
cp -r "$coredns" coredns
version=$(sed -n 's/^# k8s.io\/kubernetes //p' vendor/modules.txt)
mkdir -p "$out/bin"
packages='./coredns'
for name in kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl kubelet; do
  packages="$packages k8s.io/kubernetes/cmd/$name"
done
# As in go_build.sh, and on one core, as the tests run beside it.
# shellcheck disable=SC2086 # one word per package
GOGC=400 "$GOROOT/bin/go" build -p 1 -trimpath -buildvcs=false -gcflags='all=-l -c=1' \
  -ldflags="-s -w -buildid= -X k8s.io/component-base/version.gitVersion=$version" -o "$out/bin/" $packages
