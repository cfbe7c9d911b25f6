package check

// probed are the paths that the probes ask, and the drill with them.
var probed = []string{"/health", "/health/live", "/health/ready"}
