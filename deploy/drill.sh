#!/bin/sh
# The disaster recovery drill: brings an archive back, in a folder of its own, from
# what is kept for the day on which all else is gone, and says whether that is
# enough. It reads the copy and the key, and writes to neither.
#
#   drill.sh --copy /mnt/usb/archive --key safe/signing.key --pin safe/verifier.pub
#
# Run it every quarter, on another machine than the collector's.
set -eu

usage() {
	cat <<-EOF
	usage: drill.sh --copy DIR --key FILE --pin FILE [--tenants FILE] [--programs DIR]

	  --copy DIR      a copy of the archive (rainlogs archive replicate)
	  --key FILE      the backup of the signing key
	  --pin FILE      the verifier key, kept apart from both
	  --tenants FILE  what rainlogs tenants export wrote, where there are customers
	  --programs DIR  where rainlogs and rainlogs-verify are (default: the PATH)

	Exit codes: 0 it can be brought back, 1 it cannot, 2 usage, 3 the copy is damaged.
	EOF
}

copy='' key='' pin='' tenants=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--copy | --key | --pin | --tenants | --programs) [ $# -ge 2 ] || { usage >&2; exit 2; } ;;
	*) usage >&2; exit 2 ;;
	esac
	case $1 in
	--copy) copy=$2 ;;
	--key) key=$2 ;;
	--pin) pin=$2 ;;
	--tenants) tenants=$2 ;;
	--programs) PATH=$2:$PATH ;;
	esac
	shift 2
done
if [ -z "$copy" ] || [ -z "$key" ] || [ -z "$pin" ]; then
	usage >&2
	exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy=$(cd "$copy" && pwd)

echo "1. the copy is what was sealed, by the pinned key"
rainlogs-verify "$copy" --key "$pin" --no-known || { code=$?; echo "the copy does not verify" >&2; exit "$code"; }

echo "2. an archive is opened on it, with the key from its backup"
umask 077
mkdir "$work/site"
cp -R "$copy" "$work/site/archive"
cp "$key" "$work/site/signing.key"
cat >"$work/site/rainlogs.yaml" <<EOF
archive: {storage: [{plugin: fs, path: ./archive}]}
known: ./known
EOF
rainlogs --config "$work/site" key show || { echo "the key is not this archive's, or no key" >&2; exit 1; }

echo "3. the catalog is made again"
rainlogs --config "$work/site" archive rebuild-catalog || { echo "the catalog cannot be made again" >&2; exit 1; }
if [ -n "$tenants" ]; then
	rainlogs --config "$work/site" tenants import "$tenants" || { echo "the customers cannot be brought back" >&2; exit 1; }
	rainlogs --config "$work/site" credentials list
fi
rainlogs --config "$work/site" zone list

echo "4. the chains can be gone on with: the catalog and the archive agree"
rainlogs --config "$work/site" doctor --json >"$work/doctor.json" || true # the source and the daemon are not here
for check in key catalog chains; do
	# One object a check, in lines of their own: the status stands beside the name.
	tr -d ' \n' <"$work/doctor.json" | grep -Eo '\{[^{}]*"(check|name)":"'$check'"[^{}]*\}' | grep -q '"status":"ok"' ||
		{ echo "doctor: $check is not well:" >&2; cat "$work/doctor.json" >&2; exit 1; }
done
echo "it can be brought back"
