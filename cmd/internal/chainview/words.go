package chainview

import (
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
)

// meaning is what a finding's code says to a person, and what to do about it.
type meaning struct{ means, remedy string }

const (
	stop     = "Stop collecting into this chain and keep everything as it is: it is the scene. Compare with a copy, a replica or the store's older versions."
	restore  = "Bring the sealed bytes back from a replica or the store's older versions; their SHA-256 is in the entry."
	pinFirst = "Ask whoever runs the archive for the verifier key by another way, and pin it: rainlogs verify --key."
)

var meanings = map[string]meaning{
	verify.CodeDescriptor:         {"the archive's description is not of the archive that is trusted", pinFirst},
	verify.CodeKeyMismatch:        {"another key than the trusted one, and nothing that ties the two", pinFirst},
	verify.CodeKeyHandover:        {"a new key took over without the signature of the one before it", stop},
	verify.CodeCheckpointMissing:  {"a checkpoint that has to be there is not", stop},
	verify.CodeCheckpointInvalid:  {"a checkpoint cannot be read", stop},
	verify.CodeCheckpointUnsigned: {"a checkpoint is not signed by the trusted key", stop},
	verify.CodeCheckpointChanged:  {"a published checkpoint contradicts the entries", stop},
	verify.CodeRollback:           {"an older state was put back: what was sealed since is hidden", stop},
	verify.CodeFork:               {"there are two histories: entries that were seen or signed before are others now", stop},
	verify.CodeBundle:             {"entries cannot be read", restore},
	verify.CodeEntry:              {"an entry is not what the format allows, or not in its place", stop},
	verify.CodePrev:               {"an entry does not follow the one before it: one of the two was changed", stop},
	verify.CodeRoot:               {"the entries are not those that were signed", stop},
	verify.CodeTile:               {"a published tile contradicts the entries: outsiders are shown another tree", "The entries are sound if nothing else was found: the tile can be made again from them."},
	verify.CodeObjectMissing:      {"an object that was sealed is gone", restore},
	verify.CodeObjectUnreadable:   {"an object cannot be read", "See what the store says of it; if it is damaged there: " + strings.ToLower(restore[:1]) + restore[1:]},
	verify.CodeObjectChanged:      {"an object's stored bytes are not those that were sealed", restore},
	verify.CodeUnexplained:        {"a file that no entry knows", "It proves nothing and spoils nothing. Find out who can write to the store besides the collector."},
	verify.CodeFrames:             {"an object is not made of the frames it has to have", restore},
	verify.CodeContent:            {"an object's lines are not those that were sealed", restore},
	verify.CodeHoldBroken:         {"objects were given up although a legal hold covered them", "Find out who lifted or passed over the hold; replicas may still have the objects."},
	verify.CodeCovered:            {"overwritten or deleted; the store keeps the sealed bytes", "rainlogs archive uncover brings the sealed bytes back."},
}

// findings are the verifier's, with what they mean.
func findings(in []verify.Finding) []chain.Finding {
	out := make([]chain.Finding, len(in))
	for i, f := range in {
		m, ok := meanings[f.Code]
		if !ok {
			m = meaning{"of a kind that this version does not know", stop}
		}
		out[i] = chain.Finding{Code: f.Code, Seq: f.Seq, Object: f.Key, Want: f.Want, Got: f.Got, Text: f.Text, Meaning: m.means, Remedy: m.remedy}
		if zone, dataset, ok := strings.Cut(f.Chain, "/"); ok {
			out[i].Chain = chain.ID{Zone: zone, Dataset: dataset}
		}
	}
	return out
}

// gapMeaning is why a window can never be had, in words.
func gapMeaning(reason string) string {
	switch reason {
	case evidence.GapTooOld:
		return "the source no longer had it when it was asked for"
	case evidence.GapRetentionOff:
		return "the source did not retain logs then"
	case evidence.GapNotEntitled:
		return "the token had no right to it until it was gone"
	case evidence.GapBoundary:
		return "the logs were kept in a region that is not asked"
	case evidence.GapOperator:
		return "an operator gave it up"
	}
	return "a reason that this version does not know"
}

// Explains reports whether a finding's code has words.
func Explains(code string) bool {
	_, ok := meanings[code]
	return ok
}
