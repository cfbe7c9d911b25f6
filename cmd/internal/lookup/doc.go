// Package lookup answers the workstation's questions of the records: it is
// the Data of the screen that investigates.
//
// # Where an answer comes from
//
//	the histogram and the number of records, without a filter   the entries' sealed counts: nothing is opened
//	the same with a filter, facets                              columns, in a worker process: counted from their dictionaries, or by SQL
//	rows                                                        SQL over the few windows that hold them
//	one record                                                  the sealed object itself, compared with the chain
//
// # Order of rows
//
// Rows go by window, in the order of time, and within a window by event time and line. An order by event time
// alone would be one sort of all records for each change of a filter; this one needs the number
// of rows in each window, which one aggregate gives, and then the window that is looked at.
// Windows are of receive time: around an edge between two of them, rows may be seconds apart from where their event time
// would put them.
//
// # Damage
//
// Questions leave damaged objects out and remember them: they are told in each histogram's evidence, their windows
// are drawn as gaps, and their rows are not counted.
package lookup
