#!/bin/sh
# Installs RainLogs' programs from a release, checked against its SHA256SUMS:
#
#   sh install.sh --version 1.0.0                      into /usr/local, as root
#   sh install.sh --version 1.0.0 --prefix ~/.local    without root
#   sh install.sh --version 1.0.0 --from ./downloaded  from a folder
#
# Nothing is unpacked before its checksum was compared, nothing that was
# downloaded is run, and nothing is installed unless all of it is right.
# SHA256SUMS is fetched from where the archives are: it finds what was damaged
# on the way. Against a forged release give --sums with a file, or --sha256 with
# the digest of SHA256SUMS, that came another way.
set -eu

releases=https://github.com/fabriziosalmi/rainlogs/releases/download

usage() {
	cat <<-EOF
	usage: install.sh --version VERSION [flags]

	  --version VERSION   which release, such as 1.0.0
	  --prefix DIR        where to: programs into DIR/bin (default /usr/local)
	  --programs LIST     which of rainlogs,rainlogsd,rainlogs-verify (default: all of them)
	  --from URL|DIR      where the release's files are (default: the project's releases)
	  --sums FILE         SHA256SUMS that came another way
	  --sha256 HEX        what the SHA-256 of SHA256SUMS has to be

	Exit codes: 0 installed, 1 something failed, 2 usage, 3 a checksum does not match.
	EOF
}

fail() { # fail CODE TEXT
	echo "install.sh: $2" >&2
	exit "$1"
}

version='' prefix=/usr/local programs=rainlogs,rainlogsd,rainlogs-verify from='' sums='' sha256=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--version | --prefix | --programs | --from | --sums | --sha256) [ $# -ge 2 ] || fail 2 "$1 needs a value" ;;
	*) usage >&2; fail 2 "what is $1?" ;;
	esac
	case $1 in
	--version) version=${2#v} ;;
	--prefix) prefix=$2 ;;
	--programs) programs=$2 ;;
	--from) from=$2 ;;
	--sums) sums=$2 ;;
	--sha256) sha256=$2 ;;
	esac
	shift 2
done
case $version in
'') usage >&2; fail 2 "--version is missing" ;;
*[!0-9A-Za-z.+-]*) fail 2 "--version $version is no version" ;;
esac
for program in $(echo "$programs" | tr ',' ' '); do
	case $program in
	rainlogs | rainlogsd | rainlogs-verify) ;;
	*) fail 2 "--programs: $program is none of rainlogs, rainlogsd, rainlogs-verify" ;;
	esac
done
[ -n "$from" ] || from=$releases/v$version

digest() { # digest FILE
	if command -v sha256sum >/dev/null; then
		sha256sum <"$1" | cut -d' ' -f1
	else
		shasum -a 256 <"$1" | cut -d' ' -f1 # macOS
	fi
}

fetch() { # fetch NAME: into the working folder
	case $from in
	https://* | http://127.0.0.1:* | http://localhost:*)
		if command -v curl >/dev/null; then
			curl --fail --silent --show-error --location --proto-redir '=https' --max-filesize 1000000000 --output "$work/$1" "$from/$1"
		else
			wget --quiet --output-document="$work/$1" "$from/$1"
		fi || fail 1 "$from/$1 cannot be had"
		;;
	*://*) fail 2 "--from $from: only https, or a folder" ;;
	*) cp -- "$from/$1" "$work/$1" || fail 1 "$from/$1 cannot be read" ;;
	esac
}

system=$(uname -s | tr '[:upper:]' '[:lower:]')
machine=$(uname -m)
case $machine in
x86_64 | amd64) machine=amd64 ;;
aarch64 | arm64) machine=arm64 ;;
*) fail 1 "there is no release for $machine: build from source" ;;
esac
if [ "$system" != linux ] && [ "$programs" != rainlogs-verify ]; then
	fail 1 "for $system there is rainlogs-verify alone (--programs rainlogs-verify): build the others from source"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

if [ -n "$sums" ]; then
	cp -- "$sums" "$work/SHA256SUMS" || fail 1 "--sums $sums cannot be read"
else
	fetch SHA256SUMS
fi
if [ -n "$sha256" ] && [ "$(digest "$work/SHA256SUMS")" != "$sha256" ]; then
	fail 3 "SHA256SUMS is not the one that --sha256 names: nothing is installed"
fi

# All of them are fetched, compared and unpacked before the first is installed.
for program in $(echo "$programs" | tr ',' ' '); do
	name=${program}_${version}_${system}_${machine}.tar.gz
	want=$(awk -v name="$name" '$2 == name || $2 == "*" name {print $1}' "$work/SHA256SUMS")
	[ -n "$want" ] || fail 3 "SHA256SUMS does not name $name: nothing is installed"
	fetch "$name"
	got=$(digest "$work/$name")
	[ "$got" = "$want" ] || fail 3 "$name has SHA-256 $got, SHA256SUMS says $want: nothing is installed"
	mkdir -p "$work/out/$program"
	tar -xzf "$work/$name" -C "$work/out/$program" "$program" || fail 1 "$name holds no $program"
	if [ ! -f "$work/out/$program/$program" ] || [ -L "$work/out/$program/$program" ]; then
		fail 1 "$program in $name is no file"
	fi
done

mkdir -p "$prefix/bin" || fail 1 "$prefix/bin cannot be made: run it as root, or give --prefix"
for program in $(echo "$programs" | tr ',' ' '); do
	# Beside it, then renamed: a program that runs is not written over.
	cp -- "$work/out/$program/$program" "$prefix/bin/.$program.new" || fail 1 "$prefix/bin cannot be written to: run it as root, or give --prefix"
	chmod 0755 "$prefix/bin/.$program.new"
	mv -f "$prefix/bin/.$program.new" "$prefix/bin/$program"
	echo "installed $prefix/bin/$program"
done
