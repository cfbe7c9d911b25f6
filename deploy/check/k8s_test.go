package check

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// secretKeys are those of the Secret that docs/deploy.md says how to make.
var secretKeys = []string{"signing_key", "cloudflare_token", "catalog_url", "s3_key_id", "s3_secret", "registration", "age_identity"}

// manifests builds a kustomization as kubectl does.
func manifests(t *testing.T, path string) [][]byte {
	t.Helper()
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(repo, path))
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(text, []byte("\n---\n"))
}

// decode reads a manifest into Kubernetes' own type, strictly: a field that the
// type does not have, or has twice, is an error.
func decode(text []byte) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, policyv1.AddToScheme, networkingv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	d := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	o, _, err := d.Decode(text, nil, nil)
	return o, err
}

type cluster struct {
	deployment *appsv1.Deployment
	service    *corev1.Service
	namespace  *corev1.Namespace
	account    *corev1.ServiceAccount
	config     *corev1.ConfigMap
	budget     *policyv1.PodDisruptionBudget
	network    *networkingv1.NetworkPolicy
	ingress    *networkingv1.Ingress
}

func load(t *testing.T) cluster {
	t.Helper()
	var c cluster
	for _, text := range manifests(t, "deploy/k8s/example") {
		o, err := decode(text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		switch o := o.(type) {
		case *appsv1.Deployment:
			c.deployment = o
		case *corev1.Service:
			c.service = o
		case *corev1.Namespace:
			c.namespace = o
		case *corev1.ServiceAccount:
			c.account = o
		case *corev1.ConfigMap:
			c.config = o
		case *policyv1.PodDisruptionBudget:
			c.budget = o
		case *networkingv1.NetworkPolicy:
			c.network = o
		case *networkingv1.Ingress:
			c.ingress = o
		default:
			t.Errorf("%T is tested nowhere", o)
		}
		m, ok := o.(metav1.Object)
		if _, whole := o.(*corev1.Namespace); !ok || !whole && m.GetNamespace() != "rainlogs" {
			t.Errorf("%T is in namespace %q", o, m.GetNamespace())
		}
	}
	return c
}

// TestBase: the base builds by itself, and every file of it is used.
func TestBase(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(repo, "deploy/k8s/base/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(manifests(t, "deploy/k8s/base")), len(files)-1; got != want {
		t.Errorf("%d manifests of %d files", got, want)
	}
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	c := load(t)
	pod := c.deployment.Spec.Template
	selects := func(what string, s *metav1.LabelSelector) {
		t.Helper()
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil || selector.Empty() || !selector.Matches(labels.Set(pod.Labels)) {
			t.Errorf("%s selects %v, %v; the pods have %v", what, selector, err, pod.Labels)
		}
	}
	selects("the deployment", c.deployment.Spec.Selector)
	selects("the disruption budget", c.budget.Spec.Selector)
	selects("the network policy", &c.network.Spec.PodSelector)
	selects("the spread", pod.Spec.TopologySpreadConstraints[0].LabelSelector)
	selects("the service", &metav1.LabelSelector{MatchLabels: c.service.Spec.Selector})
	container := pod.Spec.Containers[0]
	ports := map[string]int32{}
	for i, p := range c.service.Spec.Ports {
		ports[p.Name] = p.Port
		if has := container.Ports[i]; p.TargetPort.String() != has.Name || p.Port != has.ContainerPort {
			t.Errorf("the service goes to port %s, the container has %s", p.TargetPort.String(), has.Name)
		}
		if !strings.Contains(c.config.Data["rainlogs.yaml"], fmt.Sprintf(`listen: ":%d"`, p.Port)) {
			t.Errorf("the config listens at no port %d", p.Port)
		}
		if allowed := c.network.Spec.Ingress[0].Ports; len(allowed) != len(c.service.Spec.Ports) || allowed[i].Port.String() != p.Name {
			t.Errorf("the network policy lets in to %v", allowed)
		}
	}
	if container.Image != "registry.example.eu/rainlogsd:1.0.0" {
		t.Errorf("image %s: the example's is not taken", container.Image)
	}
	if pod.Spec.ServiceAccountName != c.account.Name || *c.account.AutomountServiceAccountToken || *pod.Spec.AutomountServiceAccountToken {
		t.Errorf("the pods have a token for Kubernetes")
	}
	// /metrics, at the first port, is for nobody outside.
	passed := map[string]string{}
	for _, p := range c.ingress.Spec.Rules[0].HTTP.Paths {
		b := p.Backend.Service
		if b.Name != c.service.Name || ports[b.Port.Name] == 0 {
			t.Errorf("the ingress passes %s on to %v", p.Path, b)
		}
		passed[string(*p.PathType)+" "+p.Path] = b.Port.Name
	}
	if len(passed) != 2 || passed["Exact /health"] != "http" || passed["Prefix /"] != "api" {
		t.Errorf("the ingress passes on %v", passed)
	}
	if host := c.ingress.Spec.Rules[0].Host; host != c.ingress.Spec.TLS[0].Hosts[0] || host != "logs.example.eu" {
		t.Errorf("the ingress is for %s, its certificate for %v", host, c.ingress.Spec.TLS[0].Hosts)
	}
	if c.budget.Spec.MaxUnavailable.IntValue() >= int(*c.deployment.Spec.Replicas) {
		t.Error("the disruption budget lets every pod be evicted at once")
	}
	if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() {
		t.Error("the container has no limit of memory or asks for no CPU")
	}
}

// TestVolumes: the pod mounts the config and the secrets by reference, where the
// config looks for them, and writes only where it may.
func TestVolumes(t *testing.T) {
	t.Parallel()
	c := load(t)
	spec := c.deployment.Spec.Template.Spec
	mounts := map[string]corev1.VolumeMount{}
	for _, m := range spec.Containers[0].VolumeMounts {
		mounts[m.Name] = m
	}
	for _, v := range spec.Volumes {
		m, ok := mounts[v.Name]
		switch {
		case !ok:
			t.Errorf("volume %s is not mounted", v.Name)
		case v.ConfigMap != nil:
			if v.ConfigMap.Name != c.config.Name || m.MountPath != "/etc/rainlogs" || !m.ReadOnly {
				t.Errorf("config %s at %s, want %s", v.ConfigMap.Name, m.MountPath, c.config.Name)
			}
		case v.Secret != nil:
			if *v.Secret.DefaultMode != 0o400 || !strings.Contains(c.config.Data["rainlogs.yaml"], "file:"+m.MountPath+"/signing_key") {
				t.Errorf("secrets at %s with mode %o", m.MountPath, *v.Secret.DefaultMode)
			}
		case v.EmptyDir == nil || v.EmptyDir.SizeLimit == nil:
			t.Errorf("volume %s is neither the config, nor secrets, nor a bounded emptyDir", v.Name)
		}
		delete(mounts, v.Name)
	}
	if len(mounts) > 0 {
		t.Errorf("mounts without volumes: %v", mounts)
	}
	if len(c.config.Data) != 1 || len(spec.Containers[0].Env)+len(spec.Containers[0].EnvFrom) > 0 {
		t.Errorf("the config is %d files, the environment %v", len(c.config.Data), spec.Containers[0].Env)
	}
}

// TestRestricted: the pods pass the standard that their namespace enforces, by
// the code that the API server judges with.
func TestRestricted(t *testing.T) {
	t.Parallel()
	c := load(t)
	if level := c.namespace.Labels[api.EnforceLevelLabel]; level != string(api.LevelRestricted) {
		t.Errorf("the namespace enforces %q", level)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	judge := func(template corev1.PodTemplateSpec) []string {
		var refused []string
		for _, r := range evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &template.ObjectMeta, &template.Spec) {
			if !r.Allowed {
				refused = append(refused, r.ForbiddenReason+": "+r.ForbiddenDetail)
			}
		}
		return refused
	}
	template := c.deployment.Spec.Template
	if refused := judge(template); len(refused) > 0 {
		t.Errorf("refused: %q", refused)
	}
	if s := template.Spec.Containers[0].SecurityContext; s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
		t.Error("the root filesystem is not read-only") // which the standard does not ask for
	}
	worse := template.DeepCopy()
	worse.Spec.Containers[0].SecurityContext.Capabilities = nil
	if refused := judge(*worse); len(refused) != 1 || !strings.Contains(refused[0], "capabilities") {
		t.Errorf("a pod with capabilities: %q", refused)
	}
}

// TestStrict: the decoding finds mistakes.
func TestStrict(t *testing.T) {
	t.Parallel()
	text := string(read(t, "deploy/k8s/base/deployment.yaml"))
	for _, broken := range []struct{ from, to string }{
		{"readinessProbe:", "readynessProbe:"},
		{"replicas: 2", "replicas: two"},
		{"apiVersion: apps/v1", "apiVersion: apps/v1beta9"},
		{"revisionHistoryLimit: 3", "revisionHistoryLimit: 3\n  replicas: 3"},
	} {
		if _, err := decode([]byte(strings.Replace(text, broken.from, broken.to, 1))); err == nil {
			t.Errorf("%q is taken", broken.to)
		}
	}
	if _, err := decode([]byte(text)); err != nil {
		t.Error(err)
	}
}

// TestProbes: each asks for a path that rainlogsd serves: see the drill.
func TestProbes(t *testing.T) {
	t.Parallel()
	c := load(t).deployment.Spec.Template.Spec.Containers[0]
	for name, p := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		if !slices.Contains(probed, p.HTTPGet.Path) || p.HTTPGet.Port.String() != c.Ports[0].Name {
			t.Errorf("%s asks %s at port %s", name, p.HTTPGet.Path, p.HTTPGet.Port.String())
		}
	}
}
