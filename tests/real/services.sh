#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Servers that fork, share memory, survive a crash and serve pages work below the default
# policy, as an ordinary user without any capability: postgres, nginx and redis. So do
# systemd's tools that need no manager.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

unpack postgresql-15 nginx-light redis-server systemd systemd-journal-remote curl

# The work of one sandbox; its servers end with it.

postgres='set -e
set -- /usr/lib/postgresql/*/bin; PATH=$1:$PATH PGHOST=/tmp PGDATABASE=postgres
export PGHOST PGDATABASE
initdb -D data -A trust >/dev/null
pg_ctl -D data -o "-k /tmp -c max_parallel_workers_per_gather=2" -w -l log start >/dev/null || { cat log; exit 1; }
psql -q -c "create table numbers (n bigint primary key, t text)" \
	-c "begin" -c "insert into numbers select n, md5(n::text) from generate_series(1, 20000) n" -c "commit"
pgbench -q -i -s 1 2>/dev/null
pgbench -n -c 4 -j 2 -t 50 2>/dev/null | grep processed
pg_ctl -D data -m immediate -w stop >/dev/null
pg_ctl -D data -o "-k /tmp" -w -l log start >/dev/null
psql -q -t -A -c "select count(*), sum(n) from numbers" -c "select count(*) from pgbench_history"
psql -q -c "vacuum full analyze"
psql -h 127.0.0.1 -q -t -A -c "copy numbers to stdout" | wc -l
pg_ctl -D data -w stop >/dev/null
grep -c "redo done" log'

nginx='set -e
mkdir -p pages && head -c 3000000 /dev/urandom >pages/large && echo page >pages/small
cat >nginx.conf <<-END
	worker_processes 2;
	error_log /tmp/error.log; pid /tmp/pid;
	events { use epoll; }
	http {
		access_log /tmp/access.log; sendfile on; aio threads; gzip on;
		client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;
		uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
		proxy_cache_path /tmp/cache keys_zone=kept:1m;
		server { listen 127.0.0.1:8080; listen [::1]:8080; root /tmp/pages; }
		server { listen unix:/tmp/socket; location / {
			proxy_cache kept; proxy_pass http://127.0.0.1:8080; } }
	}
END
nginx -e /tmp/error.log -c /tmp/nginx.conf
curl -sS http://127.0.0.1:8080/small
curl -sS "http://[::1]:8080/large" | cmp - pages/large
curl -sS --unix-socket socket http://any/large | cmp - pages/large
nginx -e /tmp/error.log -c /tmp/nginx.conf -s reload
sleep 0.3
curl -sS --compressed http://127.0.0.1:8080/small
nginx -e /tmp/error.log -c /tmp/nginx.conf -s quit
wc -l <access.log; grep -E "alert|crit|emerg" error.log || true'

redis='set -e
serve() {
	redis-server --dir /tmp --port 6379 --bind 127.0.0.1 --unixsocket /tmp/socket --save "" \
		--appendonly yes --io-threads 2 --daemonize yes --logfile /tmp/log >/dev/null
	until [ "$(redis-cli ping 2>/dev/null)" = PONG ]; do sleep 0.1; done
}
serve
redis-cli set greeting hello
redis-cli -s socket eval "for n = 1, 1000 do redis.call(\"rpush\", \"list\", n) end return redis.call(\"llen\", \"list\")" 0
redis-cli bgsave >/dev/null
until redis-cli info persistence | grep -q rdb_bgsave_in_progress:0; do sleep 0.1; done
redis-cli info persistence | grep -o rdb_last_bgsave_status:ok
redis-cli bgrewriteaof >/dev/null
redis-cli shutdown
serve
redis-cli get greeting; redis-cli llen list; redis-cli shutdown'

units='set -e
mkdir -p tree/etc/systemd/system tree/usr/lib/tmpfiles.d tree/usr/lib/sysusers.d tree/usr/lib/systemd/system
printf "[Unit]\nDescription=Work\n[Service]\nExecStart=/bin/true\nPrivateTmp=yes\n[Install]\nWantedBy=multi-user.target\n" \
	>tree/etc/systemd/system/work.service
echo "d /srv/work 0750 - - -" >tree/usr/lib/tmpfiles.d/work.conf
echo "u worker 500 \"Works\" /srv/work" >tree/usr/lib/sysusers.d/work.conf
systemctl --root tree enable work.service 2>/dev/null
readlink tree/etc/systemd/system/multi-user.target.wants/work.service
systemd-tmpfiles --root "$PWD/tree" --create && stat -c %a tree/srv/work
systemd-sysusers --root "$PWD/tree" 2>/dev/null; grep -c ^worker: tree/etc/passwd
systemd-analyze verify ./tree/etc/systemd/system/work.service
systemd-analyze security --offline=yes --threshold=100 ./tree/etc/systemd/system/work.service | grep -c PrivateTmp=
systemd-analyze calendar --iterations=2 "Mon..Fri 12:00" | grep -c "UTC$"
systemd-analyze syscall-filter @clock | grep -c adjtimex
systemd-machine-id-setup --root "$PWD/tree" 2>/dev/null; wc -c <tree/etc/machine-id
printf "__REALTIME_TIMESTAMP=17000000000%05d\n_BOOT_ID=%032d\nPRIORITY=6\nMESSAGE=message %d\n\n" \
	$(for n in $(seq 100); do echo "$n" 1 "$n"; done) |
	/lib/systemd/systemd-journal-remote --split-mode=none --output=/tmp/work.journal - 2>/dev/null
journalctl --file work.journal --verify 2>&1 | grep -c ^PASS
journalctl --file work.journal --output cat --grep "message 4.$" -q | wc -l'

plan 4

is "postgres commits, survives a crash and reads it back" "$(job "$postgres" | tr '\n' ' ')" \
	"number of transactions actually processed: 200/200 20000|200010000 200 20000 1 "
is "nginx serves, caches, reloads and quits" "$(job "$nginx" | tr '\n' ' ')" "page page 5 "
is "redis sets, saves, restarts and gets" "$(job "$redis" | tr '\n' ' ')" \
	"OK 1000 rdb_last_bgsave_status:ok hello 1000 "
is "systemd's tools make, verify and enable units" "$(job "$units" | tr '\n' ' ')" \
	"/etc/systemd/system/work.service 750 1 1 2 1 33 1 10 "
