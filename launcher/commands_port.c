/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx port`: asks sbx-net of a running sandbox, which has a socket in the sandbox's entry;
 * net/port_service.c has the requests. What it answers is shown, never believed.
 */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/page.h"
#include "base/text.h"
#include "launcher/command_words.h"
#include "launcher/state.h"
#include "net/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 1 << 18,
	ANSWER_SECONDS = 10,
	PORT_FIELDS = 4,
};

static const char usage[] = "sbx port NAME [list|add SPEC...|remove SPEC...] [--json]";

/* What is asked for. */
struct request {
	const char *name;
	const char *verb;
	const char **specs; /* NULL-ended */
	size_t spec_count;
	bool json;
};

/* What is said of all answers together. */
struct report {
	struct arena *arena;
	struct page page;
	struct json_value *object, *ports;
};

/* ---- words ----------------------------------------------------------------------------- */

static int take_word(struct request *request, const char *word)
{
	static const char *const verbs[] = { "list", "add", "remove", NULL };
	const char *nearest;

	if (!request->name) {
		request->name = word;
		return 0;
	}
	if (request->verb) {
		request->specs[request->spec_count++] = word;
		return 0;
	}
	for (size_t i = 0; verbs[i]; i++)
		if (strcmp(word, verbs[i]) == 0)
			request->verb = word;
	if (request->verb)
		return 0;
	nearest = text_nearest(word, verbs);
	return refuse_words(nearest ? nearest : usage, "ports are not told to ", word);
}

static int check_words(const struct request *request)
{
	const bool lists = strcmp(request->verb, "list") == 0;

	if (!request->name)
		return refuse_words(usage, "a NAME is missing", "");
	if (lists && request->spec_count)
		return refuse_words(usage, "list does not take ", request->specs[0]);
	if (!lists && !request->spec_count)
		return refuse_words(usage, "a port is missing behind ", request->verb);
	return 0;
}

/* 0, or the exit status. */
static int read_words(const char *const *words, struct arena *arena,
		      struct request *ret_request)
{
	struct request request = { 0 };
	size_t count = 0;
	int status = 0;

	while (words[count])
		count++;
	request.specs = arena_alloc_array(arena, count + 1, sizeof(*request.specs));
	for (; *words && !status; words++) {
		if (strcmp(*words, "--json") == 0)
			request.json = true;
		else if (is_option(*words))
			status = refuse_words(usage, "it does not take ", *words);
		else
			status = take_word(&request, *words);
	}
	if (!request.verb)
		request.verb = "list";
	*ret_request = request;
	return status ? status : check_words(&request);
}

/* Before anybody is asked: a mistake in the third should not leave two behind. */
static int check_specs(const struct request *request, struct error *err)
{
	struct publish ignored;

	for (size_t i = 0; i < request->spec_count; i++)
		if (net_parse_publish(request->specs[i], &ignored, err) < 0)
			return -1;
	return 0;
}

/* ---- answers --------------------------------------------------------------------------- */

/* Cuts the line off, NULL at the end. */
static char *take_line(char **rest)
{
	char *line = *rest;

	if (!*line)
		return NULL;
	*rest = line + strcspn(line, "\n");
	if (**rest)
		*(*rest)++ = '\0';
	return line;
}

/* sbx-net sees no other process. */
static void add_holder(struct error *err, const char *spec)
{
	static const char start[] = "publish port ";
	struct publish publish;
	struct error ignored;
	char holder[128];
	char *end;
	unsigned long port;

	if (!spec || !text_starts_with(err->text, start) ||
	    net_parse_publish(spec, &publish, &ignored) < 0)
		return;
	port = strtoul(err->text + strlen(start), &end, 10);
	if (port == 0 || port > UINT16_MAX || *end != ':')
		return;
	net_port_holder(publish.protocol, &publish.host, (uint16_t)port, holder,
			sizeof(holder));
	if (holder[0])
		error_hint(err, "%s holds it", holder);
}

static int refuse_answer(struct error *err)
{
	return error_set(err, ERROR_NETWORK, "understand sbx-net");
}

/* "error ID", the text, the hint. */
static int read_error(const char *id, char *rest, const char *spec, struct error *err)
{
	const char *text = take_line(&rest);
	const char *hint = take_line(&rest);

	if (!text)
		return refuse_answer(err);
	error_set(err, strcmp(id, "port") == 0 ? ERROR_PORT : ERROR_NETWORK, "%s", text);
	if (hint)
		error_hint(err, "%s", hint);
	if (err->id == ERROR_PORT && strstr(err->text, " is in use"))
		add_holder(err, spec);
	return -1;
}

/* "tcp 127.0.0.1 8080 80" */
static int put_port(struct report *report, char *line, struct error *err)
{
	char *fields[PORT_FIELDS];
	struct json_value *object;
	struct ip ip;
	int host_port, port;
	char where[ENDPOINT_TEXT_MAX];

	for (size_t i = 0; i < PORT_FIELDS; i++) {
		fields[i] = strtok_r(NULL, " ", &line);
		if (!fields[i])
			return refuse_answer(err);
	}
	if (ip_parse(fields[1], &ip) < 0 ||
	    text_to_int(fields[2], 0, UINT16_MAX, &host_port) < 0 ||
	    text_to_int(fields[3], 0, UINT16_MAX, &port) < 0)
		return refuse_answer(err);
	page_printf(&report->page, "%s -> %d/%s\n",
		    endpoint_format(&ip, (uint16_t)host_port, where), port,
		    printable(report->arena, fields[0]));
	object = json_put_object(report->ports, NULL);
	json_put_text(object, "protocol", printable(report->arena, fields[0]));
	json_put_text(object, "address", fields[1]);
	json_put_integer(object, "host_port", host_port);
	json_put_integer(object, "port", port);
	return 0;
}

static void put_paths(struct report *report, const char *paths)
{
	page_printf(&report->page, "paths: %s\n", printable(report->arena, paths));
	json_put_text(report->object, "paths", printable(report->arena, paths));
}

static int read_answer(char *answer, const char *spec, struct report *report,
		       struct error *err)
{
	char *line = take_line(&answer);
	int failed = 0;

	if (line && text_starts_with(line, "error "))
		return read_error(line + strlen("error "), answer, spec, err);
	if (!line || strcmp(line, "ok") != 0)
		return refuse_answer(err);
	while (!failed && (line = take_line(&answer))) {
		if (text_starts_with(line, "port "))
			failed = put_port(report, line + strlen("port "), err);
		else if (text_starts_with(line, "paths "))
			put_paths(report, line + strlen("paths "));
	}
	return failed;
}

/* ---- asking ---------------------------------------------------------------------------- */

static int ask(int socket, const char *text, char *answer, struct error *err)
{
	ssize_t got;

	if (send(socket, text, strlen(text), MSG_NOSIGNAL) < 0)
		return error_errno_id(err, ERROR_NETWORK, "ask sbx-net");
	got = recv(socket, answer, ANSWER_MAX, 0);
	if (got == 0 || (got < 0 && errno == ECONNRESET)) {
		error_set(err, ERROR_NETWORK, "hear from sbx-net: it has hung up");
		return error_hint(err, "too many may be asking at once: try again");
	}
	if (got < 0)
		return error_errno_id(err, ERROR_NETWORK, "hear from sbx-net");
	answer[got] = '\0';
	return 0;
}

static int ask_all(const struct request *request, struct report *report,
		   struct error *err)
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	char *answer = arena_alloc(report->arena, ANSWER_MAX + 1);
	auto_close int socket = -1;

	if (check_specs(request, err) < 0 ||
	    state_connect_net(request->name, &socket, err) < 0)
		return -1;
	(void)setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (request->spec_count == 0)
		return ask(socket, "list", answer, err) < 0
			       ? -1
			       : read_answer(answer, NULL, report, err);
	for (size_t i = 0; i < request->spec_count; i++) {
		const char *text = arena_printf(report->arena, "%s %s", request->verb,
						request->specs[i]);

		if (ask(socket, text, answer, err) < 0 ||
		    read_answer(answer, request->specs[i], report, err) < 0)
			return -1;
	}
	return 0;
}

static int show(const struct request *request, const struct report *report)
{
	if (request->json)
		return say(arena_printf(
			report->arena, "%s\n",
			json_write(report->object, JSON_LAYOUT_LINE, report->arena)));
	return say(page_text(&report->page));
}

static int obey(const struct request *request, struct arena *arena)
{
	struct report report = { .arena = arena, .page = { .arena = arena } };
	struct error err;
	int failed, shown;

	report.object = json_make_object(arena);
	json_put_integer(report.object, "version", 1);
	report.ports = json_put_array(report.object, "ports");
	failed = ask_all(request, &report, &err);
	/* Those before the one that failed were added, so they are shown. */
	shown = failed && !report.page.used ? 0 : show(request, &report);
	return failed ? complain(&err) : shown;
}

int command_port(const char *const *words)
{
	struct arena arena = { 0 };
	struct request request;
	int status;

	if (*words && asks_for_help(*words))
		return say_usage(
			usage,
			"Publishes ports of a running sandbox, or no longer; without "
			"more words it lists them.\nSPEC is as for sbx run -p: "
			"[ADDRESS:]HOST:GUEST[/udp]. To remove one, its port on the "
			"host is enough.");
	status = read_words(words, &arena, &request);
	if (!status)
		status = obey(&request, &arena);
	arena_free(&arena);
	return status;
}
