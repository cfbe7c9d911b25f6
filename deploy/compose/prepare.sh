#!/bin/sh
# Makes the secrets of deploy/compose.yaml beside this file: random passwords
# and keys, each owned by the user that reads it, 0600. It never replaces one.
set -eu
umask 077
cd "${1:-$(dirname "$0")}"

[ "$(id -u)" -eq 0 ] || { echo "prepare.sh: run it as root: it gives files to the containers' users" >&2; exit 1; }

hex() { # hex BYTES
	od -An -vtx1 -N"$1" /dev/urandom | tr -d ' \n'
}

secret() { # secret NAME OWNER: standard input into a new file
	if [ -e "secrets/$1" ]; then
		cat >/dev/null
		return
	fi
	cat >"secrets/$1.new"
	chown "$2:$2" "secrets/$1.new"
	chmod 0600 "secrets/$1.new"
	mv "secrets/$1.new" "secrets/$1"
	echo "made secrets/$1"
}

rainlogs=65532 postgres=999 root=0
mkdir -p secrets made
chmod 0711 secrets
chown "$rainlogs:$rainlogs" made
chmod 0700 made

hex 24 | secret postgres_password "$postgres"
hex 32 | secret garage_rpc_secret "$root"
printf 'GK%s' "$(hex 16)" | secret s3_key_id "$rainlogs"
hex 32 | secret s3_secret "$rainlogs"
printf 'postgres://rainlogs:%s@postgres:5432/rainlogs?sslmode=disable' "$(cat secrets/postgres_password)" | secret catalog_url "$rainlogs"
hex 32 | secret registration "$rainlogs"
printf 'GARAGE_DEFAULT_ACCESS_KEY=%s\nGARAGE_DEFAULT_SECRET_KEY=%s\n' "$(cat secrets/s3_key_id)" "$(cat secrets/s3_secret)" | secret garage.env "$root"
# Compose refuses to start without the files; these come from elsewhere.
: | secret cloudflare_token "$rainlogs"
: | secret signing_key "$rainlogs"
: | secret age_identity "$rainlogs"

[ -s secrets/cloudflare_token ] || echo "next: write the Cloudflare API token into secrets/cloudflare_token"
[ -s secrets/signing_key ] || echo "next: make the archive with rainlogs init (docs/deploy.md), then: cat made/archive/signing.key >secrets/signing_key"
[ -s secrets/age_identity ] || echo "next: make the key of customers' tokens with rainlogs credentials keygen (docs/deploy.md), then: cat made/age.key >secrets/age_identity"
