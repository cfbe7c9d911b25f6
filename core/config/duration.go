package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
)

// day is the unit that time.ParseDuration lacks. Of 24 hours: retention is
// counted in UTC.
const day = 24 * time.Hour

// ParseDuration reads what time.ParseDuration reads, and whole days: "400d".
func ParseDuration(s string) (time.Duration, error) {
	if text, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("%.40q is not a number of days such as 400d", s)
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a duration such as 5m, 72h or 400d", s)
	}
	return d, nil
}

// durations decodes texts into durations.
var durations mapstructure.DecodeHookFuncType = func(from, to reflect.Type, v any) (any, error) {
	if from.Kind() != reflect.String || to != reflect.TypeFor[time.Duration]() {
		return v, nil
	}
	return ParseDuration(reflect.ValueOf(v).String())
}

// lists decodes lists into texts, with commas.
var lists mapstructure.DecodeHookFuncType = func(_, to reflect.Type, v any) (any, error) {
	list, ok := v.([]any)
	if !ok || to.Kind() != reflect.String {
		return v, nil
	}
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = fmt.Sprint(item)
	}
	return strings.Join(items, ","), nil
}
