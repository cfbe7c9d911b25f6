// Package sovereignty says under whose law an object store is, and whether a
// policy lets evidence be kept there.
//
// What counts is the company, not the data centre: a provider whose parent is
// subject to the law of a country outside the EU and the EEA can be made to
// hand over what it holds in Frankfurt (for the United States 18 U.S.C. § 2713,
// the CLOUD Act). So hosts are looked up in a table of providers, by the
// longest suffix on label boundaries, and the region's name decides nothing by
// itself. A host that the table does not know (an own domain, an address, a
// machine in the cellar) is as good as the operator's word for it, which is
// recorded as such.
//
// The package knows no network: what a host is an alias of, the caller asks
// the DNS, and has it judged too (Policy.Aliased). That finds a name of one's own
// put before a company's store; it does not find a proxy or a content delivery network in
// front of one, a host that forwards, an alias in between two names, or one that
// is made later: the DNS can be changed at any time.
package sovereignty
