// Package s3test runs a real S3 server for tests, versitygw over a temporary
// folder, and puts faults between it and its client:
//
//	func TestMain(m *testing.M) { s3test.Main(m) }
//
//	func TestX(t *testing.T) {
//		server := s3test.Shared(t)
//		bucket := server.Bucket(t, s3test.Locked)
//		proxy := s3test.NewProxy(t, server)
//		rule := proxy.Order(s3test.Op("PutObject"), 1, s3test.ErrorAfterCommit())
//		… a client of proxy.URL() …
//	}
//
// The server listens on a port of the loopback that was free, has root
// credentials of its own, and ends with the test binary, even a killed one.
// Its objects' metadata is kept in extended attributes where the temporary
// folder's file system has them (ext4, xfs, overlayfs over these, tmpfs since
// Linux 6.6), and in a folder beside it elsewhere.
//
// `make test` builds the program; RAINLOGS_VERSITYGW names it. Without that it
// is looked for in .tools of this folder and those above it. Where there is
// none tests are skipped, or fail where RAINLOGS_REQUIRE_S3=1.
//
// Goroutines: one for each server, which starts and reaps its process; it ends
// with the process. A proxy's end with the test that made it.
package s3test
