package wire

import (
	"github.com/fabriziosalmi/rainlogs/sdk/probe"
	"github.com/fabriziosalmi/rainlogs/sdk/wire/internal/pb"
)

func toChecks(checks []probe.Check) []*pb.ProbeCheck {
	out := make([]*pb.ProbeCheck, len(checks))
	for i, c := range checks {
		out[i] = &pb.ProbeCheck{
			Name: clip(c.Name, maxName), Status: string(c.Status), Value: clip(c.Value, maxText),
			Detail: clip(c.Detail, maxText), Remedy: clip(c.Remedy, maxText),
		}
	}
	return out
}

func fromChecks(c *checker, checks []*pb.ProbeCheck) []probe.Check {
	c.count("checks", len(checks), maxChecks)
	var out []probe.Check
	for _, k := range checks {
		status := probe.Status(k.GetStatus())
		c.that(status.Valid(), "check status %.40q", k.GetStatus())
		c.text("check name", k.GetName(), maxName)
		c.text("check value", k.GetValue(), maxText)
		c.text("check detail", k.GetDetail(), maxText)
		c.text("check remedy", k.GetRemedy(), maxText)
		if c.err != nil {
			break
		}
		out = append(out, probe.Check{
			Name: k.GetName(), Status: status, Value: k.GetValue(), Detail: k.GetDetail(), Remedy: k.GetRemedy(),
		})
	}
	return out
}
