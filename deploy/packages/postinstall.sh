#!/bin/sh
# After a package is installed or upgraded: the user, its folder, the unit. It
# starts nothing: there is no archive yet, or its operator says when.
set -eu
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers rainlogs.conf
elif ! getent passwd rainlogs >/dev/null; then
	useradd --system --user-group --home-dir /var/lib/rainlogs --shell /usr/sbin/nologin rainlogs
fi
install -d -o rainlogs -g rainlogs -m 0750 /var/lib/rainlogs
install -d -o root -g rainlogs -m 0750 /etc/rainlogs
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart rainlogsd.service
fi
