// Package health says whether a long-running process does its work: to a
// person, to a load balancer, to a supervisor that restarts it.
//
// A check is one question with a time limit. It never runs beside itself,
// however often it is asked for, and its answer holds for a few seconds: who
// polls cannot wear the process down. A check that hangs counts as failed from its
// time limit on, and its late answer is thrown away; a panic in it is a failure.
//
// A critical check that fails makes the process not ready; another makes it
// degraded, which is ready. Alive is something else: the process's loop still
// turns, as its Heartbeat shows. Only that is worth a restart: a catalog that is
// away does not come back by one.
//
// What a check finds is logged whole. Shown is only what it made with Detailf:
// other errors hold paths, addresses and more, and who asks may be anybody.
//
// Each running check is a goroutine that ends with its answer; Close cancels
// them and waits.
package health
