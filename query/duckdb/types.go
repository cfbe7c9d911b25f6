package duckdb

import (
	"fmt"

	duck "github.com/duckdb/duckdb-go/v2"
)

var typeNames = map[duck.Type]string{
	duck.TYPE_BOOLEAN: "BOOLEAN", duck.TYPE_TINYINT: "TINYINT", duck.TYPE_SMALLINT: "SMALLINT",
	duck.TYPE_INTEGER: "INTEGER", duck.TYPE_BIGINT: "BIGINT", duck.TYPE_UTINYINT: "UTINYINT",
	duck.TYPE_USMALLINT: "USMALLINT", duck.TYPE_UINTEGER: "UINTEGER", duck.TYPE_UBIGINT: "UBIGINT",
	duck.TYPE_FLOAT: "FLOAT", duck.TYPE_DOUBLE: "DOUBLE", duck.TYPE_TIMESTAMP: "TIMESTAMP",
	duck.TYPE_DATE: "DATE", duck.TYPE_TIME: "TIME", duck.TYPE_INTERVAL: "INTERVAL",
	duck.TYPE_HUGEINT: "HUGEINT", duck.TYPE_UHUGEINT: "UHUGEINT", duck.TYPE_VARCHAR: "VARCHAR",
	duck.TYPE_BLOB: "BLOB", duck.TYPE_TIMESTAMP_S: "TIMESTAMP_S", duck.TYPE_TIMESTAMP_MS: "TIMESTAMP_MS",
	duck.TYPE_TIMESTAMP_NS: "TIMESTAMP_NS", duck.TYPE_ENUM: "ENUM", duck.TYPE_STRUCT: "STRUCT",
	duck.TYPE_MAP: "MAP", duck.TYPE_UUID: "UUID", duck.TYPE_UNION: "UNION", duck.TYPE_BIT: "BIT",
	duck.TYPE_TIME_TZ: "TIMETZ", duck.TYPE_TIMESTAMP_TZ: "TIMESTAMPTZ", duck.TYPE_BIGNUM: "BIGNUM",
	duck.TYPE_GEOMETRY: "GEOMETRY", duck.TYPE_VARIANT: "VARIANT", duck.TYPE_SQLNULL: "NULL",
}

// typeName is a type as SQL writes it; of structs, maps and unions the kind only.
func typeName(info duck.TypeInfo) string {
	if alias := info.Alias(); alias != "" {
		return alias
	}
	switch d := info.Details().(type) {
	case *duck.ListDetails:
		return typeName(d.Child) + "[]"
	case *duck.ArrayDetails:
		return fmt.Sprintf("%s[%d]", typeName(d.Child), d.Size)
	case *duck.DecimalDetails:
		return fmt.Sprintf("DECIMAL(%d,%d)", d.Width, d.Scale)
	}
	if name, ok := typeNames[info.InternalType()]; ok {
		return name
	}
	return "VARCHAR"
}
