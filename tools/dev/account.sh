# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The ordinary account that root's ./dev works as: with subordinate ids, and with a tree
# that it can read.

account=sbx-dev

account_home() {
	getent passwd "$account" | cut -d: -f6
}

# Made once; what is missing of an existing one is added.
make_account() {
	if ! getent passwd "$account" >/dev/null; then
		useradd --create-home --shell /bin/bash "$account"
		say "made the ordinary account $account; all that follows runs as this user"
	fi
	give_ids uid
	give_ids gid
}

give_ids() { # uid|gid
	local first
	[ -e "/etc/sub$1" ] || : >"/etc/sub$1"
	! grep -q "^$account:" "/etc/sub$1" || return 0
	first=$(awk -F: '{ end = $2 + $3; if (end > first) first = end }
		END { print first > 100000 ? first : 100000 }' "/etc/sub$1")
	usermod "--add-sub${1}s" "$first-$((first + 65535))" "$account"
}

# The environment is made anew: what belongs to root's session is not the account's.
as_account() { # COMMAND ARG...
	local kept
	mapfile -t kept < <(proxy_settings; env | grep -E '^(TERM|LANG|CI|SBX_[A-Z_]*)=' || true)
	runuser -u "$account" -- env -i "HOME=$(account_home)" "USER=$account" "LOGNAME=$account" \
		SHELL=/bin/bash PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin \
		"${kept[@]}" "$@"
}

exec_as_account() { # COMMAND ARG...
	local status=0
	runuser -u "$account" -- test -x . || cd "$tree" || exit
	as_account "$@" || status=$?
	exit "$status"
}

# A tree that the account cannot read, for example one below /root, is copied for it.
share_tree() {
	local copy
	! is_shared "$tree" || return 0
	copy=$(account_home)/tree
	say "$account cannot read $tree; working on a copy in $copy"
	rm -rf "$copy.new"
	mkdir "$copy.new"
	tar -C "$tree" -c --exclude=./build --exclude='./build-*' . | tar -C "$copy.new" -x --no-same-owner
	chown -R "$account:" "$copy.new"
	rm -rf "$copy"
	mv "$copy.new" "$copy"
	tree=$copy
}

is_shared() { # DIR
	[ -z "$(cd / && runuser -u "$account" -- find "$1" -path "$1/.git" -prune -o \
		\( -type f ! -readable -o -type d ! -executable \) -print -quit 2>&1)" ]
}
