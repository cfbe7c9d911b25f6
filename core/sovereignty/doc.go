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
// The package knows no network: whether a host is an alias of another is for
// the caller to find out, and to have judged too.
package sovereignty
