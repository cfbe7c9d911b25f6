package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	dialTimeout = 30 * time.Second
	// A server that is silent for so long is given up: without this, a call
	// over a connection that was cut without a word would never return.
	keepAlive = 15 * time.Second
)

// dialer opens connections to one server as one user.
type dialer struct {
	address    string
	user       string
	agent      string // socket
	key        ssh.Signer
	hostKey    ssh.HostKeyCallback
	algorithms []string
}

func newDialer(v config.Values) (*dialer, error) {
	d := &dialer{address: net.JoinHostPort(v["host"], v["port"]), user: v["user"], agent: v["agent"]}
	var err error
	if d.hostKey, err = knownhosts.New(v["known_hosts"]); err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	if d.algorithms, err = knownAlgorithms(d.hostKey, d.address); err != nil {
		return nil, fmt.Errorf("%s: %w", v["known_hosts"], err)
	}
	switch {
	case (v["private_key"] == "") == (v["agent"] == ""):
		return nil, errors.New("one of private_key and agent must be set")
	case v["private_key"] != "":
		d.key, err = parseKey(v["private_key"], v["passphrase"])
	}
	return d, err
}

// parseKey never repeats what it was given.
func parseKey(key, passphrase string) (ssh.Signer, error) {
	var signer ssh.Signer
	var err error
	if passphrase == "" {
		signer, err = ssh.ParsePrivateKey([]byte(key + "\n"))
	} else {
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(key+"\n"), []byte(passphrase))
	}
	var missing *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &missing):
		return nil, errors.New("private_key is encrypted: set passphrase")
	case err != nil:
		return nil, errors.New("private_key cannot be read: want OpenSSH's or PEM form, and its passphrase")
	}
	return signer, nil
}

// knownAlgorithms returns the algorithms of the host keys that are known for
// an address. A server that has several keys must be asked for one of those:
// of its own choice it would show another, which looks like an attack.
func knownAlgorithms(callback ssh.HostKeyCallback, address string) ([]string, error) {
	var mismatch *knownhosts.KeyError
	err := callback(address, &net.TCPAddr{IP: net.IPv4zero}, noKey{})
	if !errors.As(err, &mismatch) || len(mismatch.Want) == 0 {
		return nil, fmt.Errorf("no host key of %s", knownhosts.Normalize(address))
	}
	var algorithms []string
	for _, known := range mismatch.Want {
		kinds := []string{known.Key.Type()}
		if kinds[0] == ssh.KeyAlgoRSA { // the key's name; its SHA-1 signatures are not wanted
			kinds = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
		}
		for _, kind := range kinds {
			if !slices.Contains(algorithms, kind) {
				algorithms = append(algorithms, kind)
			}
		}
	}
	return algorithms, nil
}

// noKey is a key that no host has.
type noKey struct{ ssh.PublicKey }

func (noKey) Type() string    { return "none" }
func (noKey) Marshal() []byte { return nil }

// dial opens an SFTP session. Closing the closer ends it.
func (d *dialer) dial(ctx context.Context) (*sftp.Client, io.Closer, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the handshake knows no context
	client, err := d.login(ctx, conn)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close() // the login has failed
		return nil, nil, err
	}
	session, err := sftp.NewClient(client, options()...)
	if err != nil {
		_ = client.Close() // there is no SFTP on it
		return nil, nil, fmt.Errorf("%w: open SFTP: %w", storage.ErrUnavailable, err)
	}
	go stayAlive(client)
	return session, client, nil
}

func (d *dialer) login(ctx context.Context, conn net.Conn) (*ssh.Client, error) {
	auth, done, err := d.auth(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	c, channels, requests, err := ssh.NewClientConn(conn, d.address, &ssh.ClientConfig{
		User: d.user, Auth: []ssh.AuthMethod{auth},
		HostKeyCallback: d.hostKey, HostKeyAlgorithms: d.algorithms, Timeout: dialTimeout,
	})
	var unknown *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &unknown), errors.As(err, &revoked):
		return nil, fmt.Errorf("%w: the server's host key is not the one in known_hosts: %w", storage.ErrPermission, err)
	case err != nil && strings.Contains(err.Error(), "unable to authenticate"): // the library has no type for it
		return nil, fmt.Errorf("%w: log in as %s: %w", storage.ErrPermission, d.user, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
	}
	return ssh.NewClient(c, channels, requests), nil
}

// auth is the one way to log in; done ends what it needs.
func (d *dialer) auth(ctx context.Context) (_ ssh.AuthMethod, done func(), err error) {
	if d.key != nil {
		return ssh.PublicKeys(d.key), func() {}, nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", d.agent)
	if errors.Is(err, os.ErrPermission) {
		return nil, nil, fmt.Errorf("%w: ask the agent: %w", storage.ErrPermission, err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: ask the agent: %w", storage.ErrUnavailable, err)
	}
	return ssh.PublicKeysCallback(agent.NewClient(conn).Signers), func() { _ = conn.Close() }, nil
}

// stayAlive asks the server from time to time whether it is there, and closes
// the connection if it is not. It ends with the connection.
func stayAlive(client *ssh.Client) {
	ticks := time.NewTicker(keepAlive)
	defer ticks.Stop()
	gone := make(chan struct{})
	go func() {
		_ = client.Wait() // for whichever reason it ends
		close(gone)
	}()
	answers := make(chan error, 1)
	for waiting := false; ; {
		select {
		case <-gone:
			return
		case err := <-answers:
			waiting = false
			if err != nil {
				return
			}
		case <-ticks.C:
			if waiting {
				_ = client.Close() // fails all calls under way
				return
			}
			waiting = true
			go func() {
				_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
				answers <- err
			}()
		}
	}
}

// options let a file have several requests under way: a call's frame of
// 256 KiB crosses in packets of 32 KiB.
func options() []sftp.ClientOption {
	return []sftp.ClientOption{sftp.UseConcurrentReads(true), sftp.UseConcurrentWrites(true), sftp.MaxConcurrentRequestsPerFile(16)}
}
