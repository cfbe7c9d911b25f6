// Package count answers how often values stand in records, from files of columns and without SQL.
//
// # How
//
// A column of such a file has each of its values once, in a dictionary, and of each row which of them it has. A condition is
// held against the dictionary alone, and rows are counted by number; texts are looked at once a file,
// not once a row. A row group whose times lie in one bucket has them not read at all.
//
// Values are numbered over all files, and which of a file's own values have which of these numbers is kept between questions (Kept):
// files do not change. Then no question but the first looks texts up, and a condition looks at each text once.
//
// # What it leaves to the SQL engine
//
// Whatever would not surely get the same answer: objects without columns, fields of other types than
// text and integer, regular expressions, a field that no file has, values of which there are very many. Nothing here is an
// error but the end of the context: a file that cannot be read is the SQL engine's to report.
//
// # Limits
//
// Each of the threads has a file open, holds the columns of one row group (up to 120,000 rows, four bytes each and
// column) and up to maxValues values (maxText bytes) of each field that it counts.
// A Kept has room for so many bytes beside these.
package count
