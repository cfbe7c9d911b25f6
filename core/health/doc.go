// Package health says whether a long-running process does its work.
package health
