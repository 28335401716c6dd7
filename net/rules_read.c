/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One DEST: WHAT[:PORTS][/tcp|/udp][,private][,sni]. It is cut from its end: the words behind
 * the first comma that no digit follows, the protocol behind the last slash that no digit
 * follows, the ports behind the one colon that is no part of an address.
 */
#include "net/rules_parts.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "net/names.h"

#include <string.h>

/* The parts of a DEST in lower case; NULL where there is none. */
struct dest {
	char *what, *ports, *protocol, *words;
	bool in_brackets;
};

static int refuse(const struct rule_text *text, struct error *err, const char *why)
{
	return error_set(err, ERROR_EGRESS, "read --%s %.100s (%.60s): %s",
			 text->allow ? "allow" : "deny", text->dest, text->from, why);
}

/* ---- what is no DEST at all ---- */

/* ctype(3) without a locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool has_byte(const char *text, bool (*is_such)(char c))
{
	for (; *text; text++) {
		if (is_such(*text))
			return true;
	}
	return false;
}

static bool is_foreign(char c)
{
	return (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
	return c == ' ' || (unsigned char)c < ' ' || c == 0x7f;
}

static int check_text(const struct rule_text *text, struct error *err)
{
	if (!*text->dest) {
		refuse(text, err, "it is empty");
		return error_hint(
			err,
			"name a host and a port, such as example.com:443, or any, internet, lan, host");
	}
	if (has_byte(text->dest, is_foreign)) {
		refuse(text, err, "names are written in ASCII");
		return error_hint(
			err,
			"write the A-label of an international name: xn--…; `idn2 NAME` prints it");
	}
	if (has_byte(text->dest, is_blank)) {
		refuse(text, err, "it has a blank in it");
		return error_hint(err, "each destination has an option of its own");
	}
	if (strstr(text->dest, "://")) {
		refuse(text, err, "it is a URL");
		return rules_hint_url(text->dest, err);
	}
	return 0;
}

/* ---- into parts ---- */

/* The first (or last) mark with something else than a digit behind it; it becomes NUL. */
static char *cut(char *text, char mark, bool last)
{
	char *found = NULL;

	for (char *at = strchr(text, mark); at; at = strchr(at + 1, mark)) {
		if (is_digit(at[1]))
			continue;
		found = at;
		if (!last)
			break;
	}
	if (!found)
		return NULL;
	*found = '\0';
	return found + 1;
}

static int cut_brackets(const struct rule_text *text, struct dest *dest,
			struct error *err)
{
	char *end = strchr(dest->what, ']');

	if (!end)
		return refuse(text, err, "the bracket is not closed");
	if (end[1] != '\0' && end[1] != ':')
		return refuse(text, err, "only :PORTS can stand behind the brackets");
	if (end[1] == ':')
		dest->ports = end + 2;
	*end = '\0';
	dest->what++;
	dest->in_brackets = true;
	return 0;
}

static int cut_ports(const struct rule_text *text, struct dest *dest, struct error *err)
{
	char *colon;

	if (dest->what[0] == '[')
		return cut_brackets(text, dest, err);
	colon = strchr(dest->what, ':');
	/* With more than one it is an IPv6 address, or nothing that has ports. */
	if (!colon || strchr(colon + 1, ':'))
		return 0;
	*colon = '\0';
	dest->ports = colon + 1;
	return 0;
}

static int cut_dest(const struct rule_text *text, struct arena *arena,
		    struct dest *ret_dest, struct error *err)
{
	struct dest dest = { .what = arena_strdup(arena, text->dest) };

	for (char *at = dest.what; *at; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	}
	dest.words = cut(dest.what, ',', false);
	dest.protocol = cut(dest.what, '/', true);
	if (cut_ports(text, &dest, err) < 0)
		return -1;
	*ret_dest = dest;
	return 0;
}

/* ---- what ---- */

/* Numbers and dots: an address, well written or not; RFC 1123, 2.1 knows no such name. */
bool rules_name_is_address(const char *what)
{
	const char *last = strrchr(what, '.');

	last = last ? last + 1 : what;
	if (last[0] == '0' && last[1] == 'x')
		return true;
	return is_digit(*last) && strspn(last, "0123456789") == strlen(last);
}

/*
 * fd00::1:443 is an address, but who writes it means a port. Written out in full it cannot be
 * meant so, and brackets say what is meant.
 */
static bool looks_like_port_behind(const char *what)
{
	static const char *const usual[] = { "22",   "25",   "53",   "80",   "443",
					     "853",  "3000", "3306", "5432", "6379",
					     "8000", "8080", "8443", "9000", "9418" };
	const char *last = strrchr(what, ':');

	for (size_t i = 0; last && i < sizeof(usual) / sizeof(*usual); i++) {
		if (strcmp(last + 1, usual[i]) == 0)
			return strstr(what, "::") && strstr(what, "::") + 1 != last;
	}
	return false;
}

/*
 * What stands for IPv4 is compared as that (ip_normal()), and so must a prefix be: NAT64
 * and 6to4 have the address behind 96 and 16 bits.
 */
static void normalise(struct prefix *prefix)
{
	struct ip normal = ip_normal(&prefix->ip);
	bool is_6to4 = prefix->ip.bytes[0] == 0x20 && prefix->ip.bytes[1] == 0x02;
	bool is_nat64 = prefix->ip.bytes[0] == 0 && prefix->ip.bytes[1] == 0x64;

	if (ip_is_v4(&prefix->ip) || !ip_is_v4(&normal))
		return;
	if (is_6to4 && prefix->bits >= 16)
		prefix->bits = prefix->bits >= 48 ? 128 : (uint8_t)(prefix->bits + 80);
	else if (!(is_nat64 && prefix->bits >= 96) && prefix->bits < 128)
		return;
	prefix->ip = normal;
}

static int read_address(const struct rule_text *text, const struct dest *dest,
			struct rule *rule, struct error *err)
{
	struct ip first;

	if (prefix_parse(dest->what, &rule->prefix) < 0) {
		refuse(text, err, "it is no address, and no CIDR");
		return rules_hint_address(dest->what, err);
	}
	if (dest->in_brackets && !strchr(dest->what, ':')) {
		refuse(text, err, "brackets are for IPv6");
		return error_hint(err, "write it without them");
	}
	first = prefix_first(&rule->prefix);
	if (!ip_equal(&first, &rule->prefix.ip)) {
		struct prefix network = { first, rule->prefix.bits };
		char clean[PREFIX_TEXT_MAX];

		refuse(text, err, "it is an address within a network, not the network");
		return error_hint(
			err, "the network is %s; the address stands alone, without /N",
			prefix_format(&network, clean));
	}
	if (!dest->in_brackets && looks_like_port_behind(dest->what)) {
		const char *last = strrchr(dest->what, ':');

		refuse(text, err, "it may be an address, or one with a port");
		return error_hint(err, "write [%s], or [%.*s]:%s", dest->what,
				  (int)(last - dest->what), dest->what, last + 1);
	}
	rule->kind = RULE_PREFIX;
	normalise(&rule->prefix);
	return 0;
}

static bool is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

/* length bytes, with a dot or the end behind them. */
static const char *label_error(const char *label, size_t length)
{
	if (label[length] != '\0' && label[length] != '.')
		return "it is no name";
	if (length == 0)
		return "a label of the name is empty";
	if (length > 63)
		return "a label of a name has 63 characters at most";
	if (label[0] == '-' || label[length - 1] == '-')
		return "a label of a name does not begin or end with a hyphen";
	return NULL;
}

const char *rules_name_error(const char *name)
{
	if (strlen(name) >= NAME_TEXT_MAX)
		return "a name has 253 characters at most";
	for (const char *label = name;; label++) {
		size_t length = 0;
		const char *wrong;

		while (is_label_byte(label[length]))
			length++;
		wrong = label_error(label, length);
		label += length;
		if (wrong || *label == '\0')
			return wrong;
	}
}

static int read_name(const struct rule_text *text, const struct dest *dest,
		     struct rule *rule, struct error *err)
{
	char *name = dest->what;
	size_t length = strlen(name);
	bool is_whole = length > 1 && name[length - 1] == '.';
	const char *wrong;

	if (is_whole)
		name[length - 1] = '\0';
	rule->wildcard = text_starts_with(name, "*.");
	if (rule->wildcard)
		name += 2;
	wrong = rules_name_error(name);
	if (!wrong && rules_name_is_address(name))
		wrong = "it is no name";
	if (!wrong && dest->in_brackets)
		wrong = "brackets are for IPv6";
	if (!wrong && !strchr(name, '.') && !is_whole && !rule->wildcard)
		wrong = "a name of one label ends in a dot";
	if (wrong) {
		refuse(text, err, wrong);
		return rules_hint_name(dest->what, dest->ports, err);
	}
	rule->kind = RULE_NAME;
	rule->name = name;
	return 0;
}

static int read_what(const struct rule_text *text, const struct dest *dest,
		     struct rule *rule, struct error *err)
{
	static const struct {
		const char *word;
		enum rule_kind kind;
	} words[] = { { "any", RULE_ANY },
		      { "internet", RULE_INTERNET },
		      { "lan", RULE_LAN },
		      { "host", RULE_HOST } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(dest->what, words[i].word) != 0 || dest->in_brackets)
			continue;
		rule->kind = words[i].kind;
		return 0;
	}
	if (strpbrk(dest->what, ":/%") || rules_name_is_address(dest->what))
		return read_address(text, dest, rule, err);
	return read_name(text, dest, rule, err);
}

/* ---- the rest ---- */

static int read_protocol(const struct rule_text *text, const struct dest *dest,
			 struct rule *rule, struct error *err)
{
	if (!dest->protocol)
		return 0;
	if (strcmp(dest->protocol, "tcp") == 0)
		rule->protocol = PROTOCOL_TCP;
	else if (strcmp(dest->protocol, "udp") == 0)
		rule->protocol = PROTOCOL_UDP;
	else {
		refuse(text, err, "behind the slash stands tcp or udp");
		return rules_hint_protocol(dest->what, dest->protocol, err);
	}
	return 0;
}

static int read_word(const char *word, size_t length, struct rule *rule)
{
	bool *flag = NULL;

	if (length == strlen("private") && strncmp(word, "private", length) == 0)
		flag = &rule->private_too;
	if (length == strlen("sni") && strncmp(word, "sni", length) == 0)
		flag = &rule->sni;
	if (!flag || *flag)
		return -1;
	*flag = true;
	return 0;
}

static int read_words(const struct rule_text *text, const struct dest *dest,
		      struct rule *rule, struct error *err)
{
	const char *word = dest->words;

	while (word) {
		size_t length = strcspn(word, ",");

		if (read_word(word, length, rule) < 0) {
			refuse(text, err, "behind the comma stands private or sni, once");
			return error_hint(err,
					  "each destination has an option of its own");
		}
		word = word[length] ? word + length + 1 : NULL;
	}
	return 0;
}

static int check_words(const struct rule_text *text, const struct dest *dest,
		       const struct rule *rule, struct error *err)
{
	if (!rule->private_too && !rule->sni)
		return 0;
	if (rule->kind != RULE_NAME)
		return refuse(text, err, "private and sni go with a name");
	if (!rule->allow)
		return refuse(text, err, "private and sni go with --allow");
	if (!dest->ports) {
		refuse(text, err, "private and sni go with ports");
		return error_hint(err, "write %.100s:443,%s", dest->what, dest->words);
	}
	if (rule->sni && rule->protocol == PROTOCOL_UDP)
		return refuse(text, err, "a server name is read from TLS over TCP");
	return 0;
}

static void add(struct arena *arena, struct rule_list *list, const struct rule *rule)
{
	list->rules = arena_grow(arena, list->rules, list->count, sizeof(*rule));
	list->rules[list->count++] = *rule;
}

static int add_ports(const struct rule_text *text, const struct dest *dest,
		     struct arena *arena, struct rule *rule, struct rule_list *list,
		     struct error *err)
{
	char *ports = arena_strdup(arena, dest->ports);
	char *rest;

	for (char *range = ports; range; range = rest) {
		rest = strchr(range, ',');
		if (rest)
			*rest++ = '\0';
		rule->has_ports = true;
		if (port_range_parse(range, &rule->ports) == 0) {
			add(arena, list, rule);
			continue;
		}
		refuse(text, err, "a port is a number from 1 to 65535, or a range N-M");
		return rules_hint_ports(dest->what, dest->ports, err);
	}
	return 0;
}

int rules_read(const struct rule_text *text, struct arena *arena, struct rule_list *list,
	       struct error *err)
{
	struct rule rule = { .allow = text->allow, .text = text };
	struct dest dest;

	if (check_text(text, err) < 0 || cut_dest(text, arena, &dest, err) < 0 ||
	    read_protocol(text, &dest, &rule, err) < 0 ||
	    read_words(text, &dest, &rule, err) < 0 ||
	    read_what(text, &dest, &rule, err) < 0 ||
	    check_words(text, &dest, &rule, err) < 0)
		return -1;
	if (dest.ports)
		return add_ports(text, &dest, arena, &rule, list, err);
	add(arena, list, &rule);
	return 0;
}
