#!/bin/sh
# Manual pages and completions, as the programs themselves make them, for packages:
#
#   pages.sh PROGRAMS OUT [SECONDS]     what bin/ holds, as of that time (Unix seconds)
#
# The same programs and the same time give the same bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$1 out=$2 seconds=${3:-0}
day=$(date -u -d "@$seconds" +%Y-%m-%d 2>/dev/null || date -u -r "$seconds" +%Y-%m-%d)

mkdir -p "$out/man" "$out/bash" "$out/zsh" "$out/fish"
for program in rainlogs rainlogsd; do
	[ -x "$programs/$program" ] || continue
	"$programs/$program" man | sed "1s/\"[0-9]\{4\}-[0-9][0-9]-[0-9][0-9]\"/\"$day\"/" >"$out/man/$program.1"
	"$programs/$program" completion bash >"$out/bash/$program"
	"$programs/$program" completion zsh >"$out/zsh/_$program"
	"$programs/$program" completion fish >"$out/fish/$program.fish"
done
sed "s/@DATE@/$day/" "$here/rainlogs-verify.1" >"$out/man/rainlogs-verify.1"
for page in "$out"/man/*.1; do
	gzip -9nf "$page"
done
