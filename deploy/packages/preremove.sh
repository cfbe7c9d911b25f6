#!/bin/sh
# Before a package is removed, not when it is upgraded: stop the collector. The
# archive, the key and the config stay.
set -eu
case "${1:-}" in
remove | 0) ;; # dpkg's word, rpm's count of what is left
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl disable --now rainlogsd.service
fi
