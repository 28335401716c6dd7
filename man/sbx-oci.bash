# SPDX-License-Identifier: Apache-2.0
# Completion of `sbx-oci` for bash: commands and options as --help lists them, and the ids of
# containers.

_sbx_oci() {
	local current=${COMP_WORDS[COMP_CWORD]} command='' i
	local -a globals=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root | --log | --log-format | --log-level | --cgroup-manager | --cgroups | --rootless | \
			--runtime | --platform | --runsc | --runsc-pin)
			[[ ${COMP_WORDS[i]} != --root ]] || globals=(--root "${COMP_WORDS[i + 1]}")
			((i++))
			;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	case $command:$current in
	:-*) mapfile -t COMPREPLY < <(compgen -W "$(sbx-oci --help 2>/dev/null | grep -o -e '--[a-z-]*')" -- "$current") ;;
	:*) mapfile -t COMPREPLY < <(compgen -W "$(sbx-oci --help 2>/dev/null | sed -n '/^Commands/,$s/^  \([a-z]*\) .*/\1/p')" -- "$current") ;;
	*:-*) mapfile -t COMPREPLY < <(compgen -W "$(sbx-oci "$command" --help 2>/dev/null | grep -o -e '--[a-z-]*')" -- "$current") ;;
	create:* | run:* | spec:*) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
	*) mapfile -t COMPREPLY < <(compgen -W "$(sbx-oci "${globals[@]}" list -q 2>/dev/null)" -- "$current") ;;
	esac
}

complete -F _sbx_oci sbx-oci
