package logpulltest

import (
	"fmt"
	"net/netip"
	"strconv"
)

// network is where clients come from. Addresses are drawn at random inside a
// block; they stand for nobody.
type network struct {
	country, region, city, lat, lon string
	asn                             int
	v4                              [2]byte // first two bytes of a /16
	v6                              [2]uint16
	colo                            string
	coloID                          int
	rtt                             int // ms
	weight                          int
}

var networks = []network{
	{"de", "BE", "Berlin", "52.51960", "13.40690", 3320, [2]byte{79, 203}, [2]uint16{0x2003, 0x00c7}, "TXL", 141, 14, 16},
	{"de", "HE", "Frankfurt am Main", "50.11552", "8.68417", 3209, [2]byte{88, 70}, [2]uint16{0x2a02, 0x8109}, "FRA", 29, 9, 10},
	{"it", "62", "Rome", "41.89193", "12.51133", 3269, [2]byte{79, 24}, [2]uint16{0x2a01, 0x2000}, "FCO", 351, 18, 14},
	{"it", "25", "Milan", "45.46427", "9.18951", 30722, [2]byte{2, 38}, [2]uint16{0x2a01, 0x0827}, "MXP", 33, 11, 12},
	{"fr", "IDF", "Paris", "48.85341", "2.34880", 3215, [2]byte{90, 12}, [2]uint16{0x2a01, 0xcb00}, "CDG", 35, 12, 12},
	{"nl", "NH", "Amsterdam", "52.37403", "4.88969", 1136, [2]byte{77, 166}, [2]uint16{0x2a02, 0xa440}, "AMS", 28, 7, 7},
	{"es", "MD", "Madrid", "40.41650", "-3.70256", 3352, [2]byte{83, 44}, [2]uint16{0x2a0c, 0x5a80}, "MAD", 36, 21, 7},
	{"pl", "MZ", "Warsaw", "52.22977", "21.01178", 5617, [2]byte{83, 20}, [2]uint16{0x2a00, 0xf41c}, "WAW", 39, 23, 5},
	{"gb", "ENG", "London", "51.50853", "-0.12574", 2856, [2]byte{86, 128}, [2]uint16{0x2a00, 0x23c5}, "LHR", 22, 10, 8},
	{"se", "AB", "Stockholm", "59.32938", "18.06871", 3301, [2]byte{78, 68}, [2]uint16{0x2001, 0x2042}, "ARN", 31, 17, 3},
	{"us", "VA", "Ashburn", "39.04372", "-77.48749", 7922, [2]byte{73, 40}, [2]uint16{0x2601, 0x0140}, "IAD", 13, 24, 9},
	{"us", "CA", "San José", "37.33939", "-121.89496", 7018, [2]byte{76, 103}, [2]uint16{0x2600, 0x1700}, "SJC", 4, 31, 5},
	{"br", "SP", "São Paulo", "-23.54750", "-46.63611", 27699, [2]byte{177, 102}, [2]uint16{0x2804, 0x07f0}, "GRU", 37, 46, 4},
	{"in", "MH", "Mumbai", "19.07283", "72.88261", 55836, [2]byte{49, 36}, [2]uint16{0x2409, 0x4040}, "BOM", 64, 58, 4},
	{"jp", "13", "Tokyo", "35.68950", "139.69171", 4713, [2]byte{118, 8}, [2]uint16{0x2400, 0x4050}, "NRT", 19, 39, 3},
}

// bots come from data centres; a verified bot always from its owner's.
var (
	hosting   = network{"us", "OR", "Boardman", "45.83986", "-119.70058", 16509, [2]byte{44, 224}, [2]uint16{0x2600, 0x1f14}, "SEA", 18, 8, 0}
	googleNet = network{"us", "CA", "Mountain View", "37.38605", "-122.08385", 15169, [2]byte{66, 249}, [2]uint16{0x2001, 0x4860}, "SJC", 4, 5, 0}
	bingNet   = network{"us", "WA", "Redmond", "47.67399", "-122.12151", 8075, [2]byte{157, 55}, [2]uint16{0x2a01, 0x0111}, "SEA", 18, 7, 0}
	openaiNet = network{"us", "IA", "Des Moines", "41.60054", "-93.60911", 8075, [2]byte{20, 171}, [2]uint16{0x2603, 0x1030}, "ORD", 12, 11, 0}
)

// agent is a kind of client software with its TLS fingerprints.
type agent struct {
	ua, device, ja3, ja4 string
	proto, tls, cipher   string
	group                string
	score                int // centre of BotScore
	source               string
	verified             string // VerifiedBotCategory
	tag                  string // BotTags
	net                  *network
	weight               int
}

var agents = []agent{
	{ua: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36", device: "desktop", ja3: "773906b0efdefa24a7f2b8eb6985bf37", ja4: "t13d1516h2_8daaf6152771_02713d6af862", proto: "HTTP/3", tls: "TLSv1.3", cipher: "AEAD-AES128-GCM-SHA256", group: "X25519MLKEM768", score: 92, source: "Machine Learning", weight: 300},
	{ua: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15", device: "desktop", ja3: "a69708a64f853c3bcc214c2acf3c0d16", ja4: "t13d2014h2_a09f3c656075_14788d8d241b", proto: "HTTP/2", tls: "TLSv1.3", cipher: "AEAD-AES256-GCM-SHA384", group: "X25519MLKEM768", score: 94, source: "Machine Learning", weight: 120},
	{ua: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", device: "desktop", ja3: "b5001237acdf006056b409cc433726b0", ja4: "t13d1717h2_5b57614c22b0_3cbfd9057e0d", proto: "HTTP/2", tls: "TLSv1.3", cipher: "AEAD-AES128-GCM-SHA256", group: "X25519", score: 90, source: "Machine Learning", weight: 90},
	{ua: "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", device: "mobile", ja3: "c6d9b8c3a2e04f2b8c4b9f0f6f6b1d22", ja4: "t13d2013h2_a09f3c656075_7f0f34a4126d", proto: "HTTP/3", tls: "TLSv1.3", cipher: "AEAD-AES128-GCM-SHA256", group: "X25519MLKEM768", score: 95, source: "Machine Learning", weight: 220},
	{ua: "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Mobile Safari/537.36", device: "mobile", ja3: "cd08e31494f9531f560d64c695473da9", ja4: "t13d1516h2_8daaf6152771_d8a2da3f94cd", proto: "HTTP/3", tls: "TLSv1.3", cipher: "AEAD-CHACHA20-POLY1305-SHA256", group: "X25519MLKEM768", score: 93, source: "Machine Learning", weight: 180},
	{ua: `Bottega/3.2 (iPad; "Übersicht"; build\4711)`, device: "tablet", ja3: "e1d8b04eeb8ef3954ec4f49267a783ef", ja4: "t13d1415h2_0e3c2b1d4f5a_9c1b7e2f3d4a", proto: "HTTP/2", tls: "TLSv1.3", cipher: "AEAD-AES128-GCM-SHA256", group: "X25519", score: 71, source: "Machine Learning", weight: 25},
	{ua: "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", device: "desktop", ja3: "1138de370e523e824bbca92d049a3777", ja4: "t12d190800_d83cc789557e_7af1ed941c26", proto: "HTTP/1.1", tls: "TLSv1.2", cipher: "ECDHE-RSA-AES128-GCM-SHA256", group: "P-256", score: 48, source: "Machine Learning", weight: 8},
	{ua: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ja3: "45a5d4fed4b0e1f9a2cb6ea5c6e7d3b1", ja4: "t13d1715h2_5b57614c22b0_93c746dc12af", proto: "HTTP/1.1", tls: "TLSv1.3", cipher: "AEAD-AES128-GCM-SHA256", group: "X25519", score: 1, source: "Verified Bot", verified: "Search Engine Crawler", tag: "google", net: &googleNet, weight: 28},
	{ua: "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", ja3: "d8a87b9bfde38897979e41242626c2f3", ja4: "t13d1312h2_f57a46bbacb6_ab7e3b40a677", proto: "HTTP/2", tls: "TLSv1.2", cipher: "ECDHE-RSA-AES256-GCM-SHA384", group: "P-384", score: 1, source: "Verified Bot", verified: "Search Engine Crawler", tag: "bing", net: &bingNet, weight: 14},
	{ua: "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot", ja3: "3fed133de60c35724739b913924b6c24", ja4: "t13d4907h2_0d8feac7bc37_7395dae3b2f3", proto: "HTTP/2", tls: "TLSv1.3", cipher: "AEAD-AES256-GCM-SHA384", group: "X25519", score: 1, source: "Verified Bot", verified: "AI Crawler", tag: "ai", net: &openaiNet, weight: 10},
	{ua: "curl/8.16.0", ja3: "0149f47eabf9a20d0893e2a44e5a6323", ja4: "t13d3112h2_e8f1e7e78f70_6bebaf5329ac", proto: "HTTP/2", tls: "TLSv1.3", cipher: "AEAD-AES256-GCM-SHA384", group: "X25519MLKEM768", score: 2, source: "Heuristics", tag: "tool", net: &hosting, weight: 10},
	{ua: "python-requests/2.32.5", ja3: "8d9f7747675e24454cd9b7ed35c58707", ja4: "t13d4312h1_c7886603b240_b26ce05bbdd6", proto: "HTTP/1.1", tls: "TLSv1.3", cipher: "AEAD-AES256-GCM-SHA384", group: "X25519", score: 2, source: "Heuristics", tag: "tool", net: &hosting, weight: 12},
}

// client is one visitor: what is in here stays the same in all its requests.
type client struct {
	ip   string
	net  *network
	who  *agent
	port int
}

// buildClients makes n clients; each is found again by its rank in the Zipf law.
func buildClients(seed uint64, n int) []client {
	clients := make([]client, n)
	taken := make(map[string]bool, n)
	netWeight, agentWeight := 0, 0
	for i := range networks {
		netWeight += networks[i].weight
	}
	for i := range agents {
		agentWeight += agents[i].weight
	}
	for i := range clients {
		r := rng(hashOf(seed, 'c', uint64(i)))
		c := &clients[i]
		pick := r.below(agentWeight)
		for j := range agents {
			if pick -= agents[j].weight; pick < 0 {
				c.who = &agents[j]
				break
			}
		}
		c.net = c.who.net
		for j, pick := 0, r.below(netWeight); c.net == nil; j++ {
			if pick -= networks[j].weight; pick < 0 {
				c.net = &networks[j]
			}
		}
		for c.ip = c.net.address(&r); taken[c.ip]; { // one address, one client
			c.ip = c.net.address(&r)
		}
		taken[c.ip] = true
		c.port = r.between(1024, 65535)
	}
	return clients
}

// address draws one address of the network, a third of them IPv6.
func (n *network) address(r *rng) string {
	if !r.chance(3) {
		return strconv.Itoa(int(n.v4[0])) + "." + strconv.Itoa(int(n.v4[1])) + "." +
			strconv.Itoa(r.below(256)) + "." + strconv.Itoa(r.between(1, 254))
	}
	host := r.next()
	text := fmt.Sprintf("%x:%x:%x:%x:%x:%x:%x:%x", n.v6[0], n.v6[1], r.below(1<<16), r.below(1<<16),
		host>>48, host>>32&0xffff, host>>16&0xffff, host&0xffff)
	return netip.MustParseAddr(text).String()
}
