#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which destinations the rules let through, as a table over both families; what a denial says.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
internet

table "without rules" --net user <<'END'
ok get 198.41.0.10 80
ok get 2a00:77:0:2::10 80
ok udp 198.41.0.10 7
ok udp 2a00:77:0:2::10 7
ok ping 198.41.0.10
ok dns 198.41.0.53 web.example.test A
no get 192.168.77.20 80
no get fd77::20 80
no get 203.0.114.20 80
no get 172.16.9.9 80
no get 100.64.0.9 80
no get 10.77.0.1 80
no get 2a00:77:0:1::1 80
no get 10.77.0.2 8080
no get 192.168.77.1 8080
no get 203.0.114.1 8080
no get 2a00:77:0:1::2 8080
no get fd77::1 8080
no get 10.0.2.2 8080
no get fd00::2 8080
no get 169.254.169.254 80
no get 64:ff9b::c0a8:4d14 80
no udp 192.168.77.20 7
no udp fd77::20 7
no udp 10.0.2.2 8007
no udp fd00::2 8007
no udp 10.77.0.2 8007
no udp 169.254.169.254 7
no ping 192.168.77.20
no ping fd77::20
no get 224.0.0.1 80
no get 255.255.255.255 80
END
table "--allow lan" --net user --allow lan <<'END'
ok get 198.41.0.10 80
ok get 192.168.77.20 80
ok get fd77::20 80
ok get 203.0.114.20 80
ok get 172.16.9.9 80
ok get 100.64.0.9 80
ok get 10.77.0.1 80
ok get 2a00:77:0:1::1 80
ok udp 192.168.77.20 7
ok udp fd77::20 7
ok ping 192.168.77.20
no get 10.77.0.2 8080
no get 192.168.77.1 8080
no get 10.0.2.2 8080
no get fd00::2 8080
no get 169.254.169.254 80
END
table "--allow host" --net user --allow host <<'END'
ok get 198.41.0.10 80
ok get 10.0.2.2 8080
ok get fd00::2 8080
ok get 10.77.0.2 8080
ok get 192.168.77.1 8080
ok get 2a00:77:0:1::2 8080
ok udp 10.0.2.2 8007
ok udp 10.77.0.2 8007
no get 192.168.77.20 80
no get fd77::20 80
no get 169.254.169.254 80
END
like "the gateway stands for the host's loopback" \
	"$(inside --net user --allow host:8080 -- get 10.0.2.2 8080)" "ok host 127.0.0.1 127.0.0.1 *"
like "in both families" "$(inside --net user --allow host:8080 -- get fd00::2 8080)" "ok host ::1 ::1 *"
table "--allow host:8080" --net user --allow host:8080 <<'END'
ok get 198.41.0.10 80
ok get 10.0.2.2 8080
ok get 10.77.0.2 8080
no get 10.0.2.2 8443
no get 10.77.0.2 8443
no udp 10.0.2.2 8007
END
table "--allow any" --net user --allow any <<'END'
ok get 198.41.0.10 80
ok get 192.168.77.20 80
ok get fd77::20 80
ok get 10.0.2.2 8080
no get 169.254.169.254 80
END
table "--allow of one address" --net user --allow 198.41.0.10 <<'END'
ok get 198.41.0.10 80
ok get 198.41.0.10 443
ok udp 198.41.0.10 7
ok ping 198.41.0.10
no get 198.41.0.11 80
no get 2a00:77:0:2::10 80
no get 192.168.77.20 80
END
table "--allow of one port" --net user --allow 198.41.0.10:80 <<'END'
ok get 198.41.0.10 80
no get 198.41.0.10 443
no udp 198.41.0.10 7
END
table "--allow of ports" --net user --allow 198.41.0.10:80-100,443/tcp --allow 198.41.0.10:7/udp <<'END'
no get 198.41.0.10 7
ok get 198.41.0.10 80
ok get 198.41.0.10 443
ok udp 198.41.0.10 7
END
table "--allow of an address of IPv6" --net user --allow '[2a00:77:0:2::10]:80' <<'END'
ok get 2a00:77:0:2::10 80
no get 2a00:77:0:2::10 443
no get 2a00:77:0:2::11 80
no get 198.41.0.10 80
END
table "--allow of a network" --net user --allow 2a00:77:0:2::/64 --allow 192.168.77.0/24:80 <<'END'
ok get 2a00:77:0:2::10 80
ok get 2a00:77:0:2::11 443
ok get 192.168.77.20 80
no get 192.168.77.20 443
no get fd77::20 80
no get 198.41.0.10 80
END
table "the metadata address, when it is named" --net user --allow 169.254.169.254:80 <<'END'
ok get 169.254.169.254 80
no get 169.254.169.254 443
no get 198.41.0.10 80
END
table "--allow internet with ports" --net user --allow internet:80 <<'END'
ok get 198.41.0.10 80
ok get 2a00:77:0:2::10 80
no get 198.41.0.10 443
no udp 198.41.0.10 7
no get 192.168.77.20 80
END
table "--allow internet by UDP" --net user --allow internet:7/udp <<'END'
ok udp 198.41.0.10 7
no get 198.41.0.10 7
END
table "--deny of ports" --net user --deny internet:443 <<'END'
ok get 198.41.0.10 80
no get 198.41.0.10 443
no get 2a00:77:0:2::10 443
END
table "--deny of an address" --net user --deny 198.41.0.10 <<'END'
no get 198.41.0.10 80
no udp 198.41.0.10 7
no ping 198.41.0.10
ok get 198.41.0.11 80
END
table "--deny internet" --net user --deny internet <<'END'
no get 198.41.0.10 80
no get 2a00:77:0:2::10 80
END
table "the first rule that matches" --net user --deny 192.168.77.20 --allow lan <<'END'
no get 192.168.77.20 80
ok get fd77::20 80
END
table "NAT64 hides nobody" --net user --deny lan --allow 64:ff9b::/96 <<'END'
no get 64:ff9b::c0a8:4d14 80
END

# ---- names --------------------------------------------------------------------------------------

table "--allow NAME:PORT" --net user --allow web.example.test:80 <<'END'
no get 198.41.0.10 80
ok dns 10.0.2.3 web.example.test A
ok dns 10.0.2.3 web.example.test AAAA
ok get 198.41.0.10 80
ok get 2a00:77:0:2::10 80
no get 198.41.0.10 443
refused dns 10.0.2.3 other.test A
no get 198.41.0.11 80
no dns 198.41.0.53 web.example.test A
no udp 198.41.0.10 7
END
table "--allow of names below one" --net user --allow '*.example.test:80' <<'END'
ok dns 10.0.2.3 web.example.test A
ok get 198.41.0.10 80
refused dns 10.0.2.3 example.test A
refused dns 10.0.2.3 xexample.test A
END
table "a name in other letters" --net user --allow WEB.Example.test. <<'END'
ok dns 10.0.2.3 wEb.exAmple.tesT A
ok get 198.41.0.10 80
ok get 198.41.0.10 443
END
table "an alias counts as what was asked for" --net user --allow alias.test:80 <<'END'
ok dns 10.0.2.3 alias.test A
ok get 198.41.0.11 80
refused dns 10.0.2.3 other.test A
END
table "a chain of aliases" --net user --allow chain.test:80 <<'END'
ok dns 10.0.2.3 chain.test A
ok get 198.41.0.10 80
END
table "several names at one address" --net user --allow cdn-a.test:80 --allow cdn-b.test:443 <<'END'
ok dns 10.0.2.3 cdn-a.test A
ok get 198.41.0.20 80
no get 198.41.0.20 443
ok dns 10.0.2.3 cdn-b.test A
ok get 198.41.0.20 80
ok get 198.41.0.20 443
END
table "a name and a network" --net user --allow web.example.test:80 --allow lan <<'END'
ok get 192.168.77.20 80
no get 198.41.0.10 80
ok dns 10.0.2.3 web.example.test A
ok get 198.41.0.10 80
END
table "a name of the LAN" --net user --allow lan.test:80 <<'END'
no get 192.168.77.20 80
refused dns 10.0.2.3 other.test A
END
table "a name of the LAN, when it may" --net user --allow lan.test:80,private <<'END'
ok dns 10.0.2.3 lan.test A
ok get 192.168.77.20 80
no get 192.168.77.20 443
END
table "a name of one label" --net user --allow printer.:80,private <<'END'
ok dns 10.0.2.3 printer A
ok get 192.168.77.20 80
END
table "TLS is held to its name" --net user --allow web.example.test:443,sni <<'END'
ok dns 10.0.2.3 web.example.test A
ok tls 198.41.0.10 443 web.example.test
ok tls 198.41.0.10 443 WEB.example.test
no tls 198.41.0.10 443 other.test
no tls 198.41.0.10 443 hidden
no tls 198.41.0.10 443 plain
END
table "TLS for names below one" --net user --allow '*.example.test:443,sni' <<'END'
ok dns 10.0.2.3 web.example.test A
ok tls 198.41.0.10 443 web.example.test
no tls 198.41.0.10 443 other.test
END

# ---- what is said -------------------------------------------------------------------------------

log=$tmp/work/log
user rm -f "$log"
inside --net user --net-log "$log" -- udp fd77::20 7 , tcp 192.168.77.20 80 , tcp 192.168.77.20 80 >/dev/null
cp "$tmp/said" "$tmp/denials"
has "a denial names the option for it" "$tmp/denials" '^sbx: .*--allow .*192\.168\.77\.20:80'
is "once for each destination" "$(grep -c '192\.168\.77\.20' "$tmp/denials")" 1
has "IPv6 as well" "$tmp/denials" '^sbx: .*--allow .*\[fd77::20\]:7'
has "it stands in the log" "$log" '"(verdict|event)": ?"denied".*192\.168\.77\.20|192\.168\.77\.20.*denied'
python3 -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$log"
result $? "the log has an object a line"
inside --net user --allow web.example.test:80 -- dns 10.0.2.3 other.test A >/dev/null
has "a refused name is told" "$tmp/said" '^sbx: .*other\.test'
option=$(sed -n 's/.*\(--allow 192[^ ]*\).*/\1/p' "$tmp/denials" | head -n 1)
# shellcheck disable=SC2086 # an option and its value
answers "the option that was told opens it" "ok lan *" --net user ${option:---no-option} -- get 192.168.77.20 80
inside --net user -- get 198.41.0.10 80 >/dev/null
is "what is allowed is not spoken of" "$(cat "$tmp/said")" ""

one_line "a rule that cannot be read" "sbx: cannot *300.1.1.1*" --net user --allow 300.1.1.1/8 -- true
one_line "ports that cannot be" "sbx: cannot *70000*" --net user --allow internet:70000 -- true
one_line "a rule behind one that takes all of its" "sbx: cannot *198.41.0.10*internet*" \
	--net user --allow internet --deny 198.41.0.10 -- true
one_line "rules where nobody serves" "sbx: cannot *--allow*" --net none --allow internet -- true

all_done
