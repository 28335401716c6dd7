#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./dev on a machine that lacks packages: it gets them through sudo with the proxy variables,
# or prints the one command that does. dpkg-query and sudo are ours here, so nothing is
# installed.
# shellcheck source=tests/build/lib.sh
. "$(dirname "$0")/lib.sh"

put_program() { # NAME BODY
	mkdir -p "$scratch/bin"
	printf '#!/bin/sh\n%s\n' "$2" >"$scratch/bin/$1"
	chmod 755 "$scratch/bin/$1"
}

dev() { # ARG...
	PATH=$scratch/bin:$PATH HOME=$scratch/home https_proxy=http://proxy.example:3128 \
		"$tree/dev" "$@" </dev/null >"$scratch/said" 2>&1
}

prints_the_command() {
	put_program sudo 'exit 1'
	! dev build || return 1
	cat "$scratch/said"
	grep -q '^    apt-get .* install .* gcc .* meson .*libseccomp-dev' "$scratch/said"
}

uses_sudo() {
	# shellcheck disable=SC2016
	put_program sudo '[ "$1" = -n ] || { echo "$*" >>"'"$scratch"'/asked"; exit 1; }'
	! dev build || return 1
	cat "$scratch/asked"
	grep -q 'https_proxy=http://proxy.example:3128.*apt-get .* install .* gcc' "$scratch/asked"
}

says_how_it_is_used() { # ARG...
	! dev "$@" || return 1
	grep -q '^\./dev test \[NAME\.\.\.\]' "$scratch/said"
}

shows_help() {
	dev --help && grep -q '^\./dev install' "$scratch/said"
}

put_program dpkg-query 'exit 1'
echo 1..5
check "without root and sudo it prints the command" prints_the_command
check "through sudo it passes the proxy variables" uses_sudo
check "an unknown command shows the usage" says_how_it_is_used nonsense
check "no command shows the usage" says_how_it_is_used
check "help is help" shows_help
