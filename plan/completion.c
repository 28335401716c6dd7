/* SPDX-License-Identifier: Apache-2.0 */
/* Shell completions, made from the option table. */
#include "plan/internal.h"

#include <string.h>

/* The commands beside `run`; `config` and `run` take the options of the table. */
static const char *const commands[] = { "run",        "try",   "config", "doctor",
					"list",       "exec",  "logs",   "stats",
					"kill",       "stop",  "wait",   "port",
					"policy",     "trust", "image",  "unshare",
					"completion", NULL };

/* What stands behind those that are families of commands. */
static const struct family {
	const char *name;
	const char *const members[8];
} families[] = {
	{ "image", { "list", "gc", "inspect", "unpack", "verify" } },
	{ "trust", { "add", "list", "remove" } },
	{ "policy", { "list", "show", "check", "explain", "why", "convert", "learn" } },
	{ "completion", { "bash", "zsh", "fish" } },
};

enum { FAMILY_COUNT = sizeof(families) / sizeof(*families) };

/* The options of `sbx try` beside those of a run. */
static const char *const try_options[] = { "--commit", "--discard", "--keep", "--list",
					   "--diff",   "--json",    "--in",   NULL };

static void put_commands(struct page *page)
{
	for (size_t i = 0; commands[i]; i++) {
		page_put(page, i ? " " : "");
		page_put(page, commands[i]);
	}
}

static void put_list(struct page *page, const char *const *words, const char *separator)
{
	for (size_t i = 0; words[i]; i++) {
		page_put(page, i ? separator : "");
		page_put(page, words[i]);
	}
}

/* ---- bash ---- */

static void put_bash_families(struct page *page)
{
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		page_printf(page,
			    "\t%s)\n\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
			    "\t\t\t_sbx_offer -W '",
			    families[i].name);
		put_list(page, families[i].members, " ");
		page_put(page,
			 "'\n\t\telse\n\t\t\t_sbx_offer -f\n\t\tfi\n\t\treturn ;;\n");
	}
}

static void put_bash_names(struct page *page, bool with_operand)
{
	size_t count;
	const struct option_row *rows = option_rows(&count);

	for (size_t i = 0; i < count; i++) {
		if (with_operand && rows[i].need != OPERAND_NEEDED)
			continue;
		page_printf(page, "--%s ", rows[i].name);
		if (rows[i].alias)
			page_printf(page, "--%s ", rows[i].alias);
		if (rows[i].letter)
			page_printf(page, "-%c ", rows[i].letter);
	}
}

static void put_bash_case(struct page *page, const struct option_row *row)
{
	page_printf(page, "\t--%s", row->name);
	if (row->alias)
		page_printf(page, "|--%s", row->alias);
	if (row->letter)
		page_printf(page, "|-%c", row->letter);
	page_put(page, ")\n\t\t");
	if (row->choices) {
		page_put(page, "_sbx_offer -W '");
		put_list(page, row->choices, " ");
		page_put(page, "'");
	} else {
		page_put(page, "_sbx_offer -f");
	}
	page_put(page, "\n\t\treturn ;;\n");
}

static void put_bash_values(struct page *page)
{
	size_t count;
	const struct option_row *rows = option_rows(&count);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].need == OPERAND_NEEDED &&
		    (rows[i].choices || rows[i].flags & OPTION_PATH))
			put_bash_case(page, &rows[i]);
	}
}

static void put_bash(struct page *page)
{
	page_put(
		page,
		"# bash completion for sbx, made from its option table\n"
		"_sbx_offer() {\n"
		"\tmapfile -t COMPREPLY < <(compgen \"$@\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
		"}\n"
		"_sbx() {\n"
		"\tlocal current=${COMP_WORDS[COMP_CWORD]} i word\n"
		"\tlocal previous=${COMP_WORDS[COMP_CWORD-1]}\n"
		"\tlocal with_operand=' ");
	put_bash_names(page, true);
	page_put(page, "--keep --in '\n"
		       "\tlocal own=\n"
		       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		       "\t\t_sbx_offer -W '");
	put_commands(page);
	page_put(page, "'\n"
		       "\t\treturn\n"
		       "\tfi\n"
		       "\tcase ${COMP_WORDS[1]} in\n"
		       "\trun|config) ;;\n"
		       "\ttry) own='");
	put_list(page, try_options, " ");
	page_put(page, "' ;;\n");
	put_bash_families(page);
	page_put(page, "\t*) _sbx_offer -f; return ;;\n"
		       "\tesac\n"
		       "\t# behind the first word that is no option stands the command\n"
		       "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
		       "\t\tword=${COMP_WORDS[i]}\n"
		       "\t\tcase $with_operand in\n"
		       "\t\t*\" $word \"*) i=$((i + 1)); continue ;;\n"
		       "\t\tesac\n"
		       "\t\tcase $word in\n"
		       "\t\t--) i=$((i + 1)); _sbx_command; return ;;\n"
		       "\t\t-*) ;;\n"
		       "\t\t*) _sbx_command; return ;;\n"
		       "\t\tesac\n"
		       "\tdone\n"
		       "\tcase $previous in\n");
	put_bash_values(page);
	page_put(page, "\tesac\n"
		       "\tcase $current in\n"
		       "\t-*) _sbx_offer -W \"$own \"'");
	put_bash_names(page, false);
	page_put(page, "' ;;\n"
		       "\t*) _sbx_offer -c ;;\n"
		       "\tesac\n"
		       "}\n"
		       "_sbx_command() {\n"
		       "\tif declare -F _command_offset >/dev/null; then\n"
		       "\t\t_command_offset \"$i\"\n"
		       "\telse\n"
		       "\t\t_sbx_offer -f\n"
		       "\tfi\n"
		       "}\n"
		       "complete -o filenames -F _sbx sbx\n");
}

/* ---- zsh ---- */

/* A help line inside '...[...]': quotes and brackets would end it. */
static void put_zsh_text(struct page *page, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			page_put(page, "'\\''");
		else if (strchr("[]:\\", *text))
			page_printf(page, "\\%c", *text);
		else
			page_put_bytes(page, text, 1);
	}
}

static void put_zsh_option(struct page *page, const struct option_row *row,
			   const char *dashes, const char *name)
{
	bool again = row->merge != MERGE_SCALAR;

	page_printf(page, "\t\t'%s%s%s", again ? "*" : "", dashes, name);
	if (row->need != OPERAND_NONE && strlen(dashes) == 2)
		page_put(page, row->need == OPERAND_OPTIONAL ? "=-" : "=");
	else if (row->need == OPERAND_NEEDED)
		page_put(page, "+");
	page_put(page, "[");
	put_zsh_text(page, row->help);
	page_put(page, "]");
	if (row->need != OPERAND_NONE && !(row->need == OPERAND_OPTIONAL && !dashes[1])) {
		page_put(page, row->need == OPERAND_OPTIONAL ? "::" : ":");
		put_zsh_text(page, row->operand);
		page_put(page, ":");
		if (row->choices) {
			page_put(page, "(");
			put_list(page, row->choices, " ");
			page_put(page, ")");
		} else if (row->flags & OPTION_PATH) {
			page_put(page, "_files");
		}
	}
	page_put(page, "' \\\n");
}

static void put_zsh_families(struct page *page)
{
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		page_printf(page, "\t%s)\n\t\tif (( CURRENT == 3 )); then compadd -- ",
			    families[i].name);
		put_list(page, families[i].members, " ");
		page_put(page, "; else _files; fi\n\t\treturn ;;\n");
	}
}

static void put_zsh(struct page *page)
{
	size_t count;
	const struct option_row *rows = option_rows(&count);

	page_put(page, "#compdef sbx\n"
		       "# zsh completion for sbx, made from its option table\n"
		       "_sbx() {\n"
		       "\tlocal -a own\n"
		       "\tif (( CURRENT == 2 )); then\n"
		       "\t\tcompadd -- ");
	put_commands(page);
	page_put(page, "\n"
		       "\t\treturn\n"
		       "\tfi\n"
		       "\tcase $words[2] in\n"
		       "\trun|config) ;;\n"
		       "\ttry) own=(");
	put_list(page, try_options, " ");
	page_put(page, ") ;;\n");
	put_zsh_families(page);
	page_put(page, "\t*) _files; return ;;\n"
		       "\tesac\n"
		       "\tshift words\n"
		       "\t(( CURRENT-- ))\n"
		       "\t_arguments -s -S $own \\\n");
	for (size_t i = 0; i < count; i++) {
		char letter[2] = { rows[i].letter, '\0' };

		put_zsh_option(page, &rows[i], "--", rows[i].name);
		if (rows[i].alias)
			put_zsh_option(page, &rows[i], "--", rows[i].alias);
		if (rows[i].letter)
			put_zsh_option(page, &rows[i], "-", letter);
	}
	page_put(page, "\t\t'(-)*::command:_normal'\n"
		       "}\n"
		       "_sbx \"$@\"\n");
}

/* ---- fish ---- */

static void put_fish_text(struct page *page, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			page_put(page, "\\");
		page_put_bytes(page, text, 1);
	}
}

static void put_fish_option(struct page *page, const struct option_row *row)
{
	page_put(page, "complete -c sbx -n '__fish_seen_subcommand_from run config try'");
	page_printf(page, " -l %s", row->name);
	if (row->alias)
		page_printf(page, " -l %s", row->alias);
	if (row->letter)
		page_printf(page, " -s %c", row->letter);
	if (row->need == OPERAND_NEEDED)
		page_put(page, row->flags & OPTION_PATH ? " -r -F" : " -x");
	if (row->choices) {
		page_put(page, " -a '");
		put_list(page, row->choices, " ");
		page_put(page, "'");
	}
	page_put(page, " -d '");
	put_fish_text(page, row->help);
	page_put(page, "'\n");
}

static void put_fish_families(struct page *page)
{
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		page_printf(page,
			    "complete -c sbx -n '__fish_seen_subcommand_from %s' -a '",
			    families[i].name);
		put_list(page, families[i].members, " ");
		page_put(page, "'\n");
	}
	for (size_t i = 0; try_options[i]; i++)
		page_printf(page,
			    "complete -c sbx -n '__fish_seen_subcommand_from try' -l "
			    "%s\n",
			    try_options[i] + 2);
}

static void put_fish(struct page *page)
{
	size_t count;
	const struct option_row *rows = option_rows(&count);

	page_put(page, "# fish completion for sbx, made from its option table\n"
		       "complete -c sbx -n __fish_use_subcommand -f -a '");
	put_commands(page);
	page_put(page, "'\n");
	put_fish_families(page);
	for (size_t i = 0; i < count; i++)
		put_fish_option(page, &rows[i]);
}

const char *plan_completion(const char *shell, struct arena *arena)
{
	struct page page = { .arena = arena };

	if (!strcmp(shell, "bash"))
		put_bash(&page);
	else if (!strcmp(shell, "zsh"))
		put_zsh(&page);
	else if (!strcmp(shell, "fish"))
		put_fish(&page);
	return page.text;
}
