// Package schema knows the columns of the datasets: the names Cloudflare
// documents and the SQL type each is read as.
//
// A name that is not in the registry is not an error: it becomes a column of
// type JSON, so that a field added tomorrow can be queried by its name today.
// A name that was removed from the documentation keeps its type.
package schema
