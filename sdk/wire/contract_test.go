package wire

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

var updateContract = flag.Bool("update-contract", false, "add what is new to testdata/v1.txt")

const contractFile = "testdata/v1.txt"

// contract tells the protocol in lines: every call, and every field by number,
// name and type.
func contract() []string {
	var lines []string
	file := pb.File_plugin_proto
	for i := range file.Services().Len() {
		s := file.Services().Get(i)
		for j := range s.Methods().Len() {
			m := s.Methods().Get(j)
			lines = append(lines, fmt.Sprintf("rpc /%s/%s %s%s %s%s", s.FullName(), m.Name(),
				stream(m.IsStreamingClient()), m.Input().Name(), stream(m.IsStreamingServer()), m.Output().Name()))
		}
	}
	for i := range file.Messages().Len() {
		lines = append(lines, fieldsOf(file.Messages().Get(i))...)
	}
	slices.Sort(lines)
	return lines
}

func stream(is bool) string {
	if is {
		return "stream "
	}
	return ""
}

func fieldsOf(m protoreflect.MessageDescriptor) []string {
	var lines []string
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		kind := f.Kind().String()
		if f.Message() != nil {
			kind = string(f.Message().FullName())
		}
		oneof := ""
		if o := f.ContainingOneof(); o != nil {
			oneof = " of " + string(o.Name())
		}
		lines = append(lines, fmt.Sprintf("field %s.%s = %d %s %s%s", m.Name(), f.Name(), f.Number(), f.Cardinality(), kind, oneof))
	}
	return lines
}

// TestContractOnlyGrows keeps the promise of version 1: what a plugin was
// built against stays as it is. What is new is added with -update-contract;
// what is gone or changed is version 2.
func TestContractOnlyGrows(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(contractFile)
	if err != nil {
		t.Fatal(err)
	}
	promised, have := strings.Split(strings.TrimSpace(string(b)), "\n"), contract()
	if len(promised) < 50 {
		t.Fatalf("only %d lines are promised", len(promised))
	}
	for _, line := range promised {
		if !slices.Contains(have, line) {
			t.Errorf("was promised and is no more: %s", line)
		}
	}
	if t.Failed() || len(promised) == len(have) {
		return
	}
	if !*updateContract {
		t.Fatalf("%d lines are new: go test ./sdk/wire/ -run ContractOnlyGrows -update-contract", len(have)-len(promised))
	}
	if err := os.WriteFile(contractFile, []byte(strings.Join(have, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
