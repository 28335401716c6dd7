/* SPDX-License-Identifier: Apache-2.0 */
#include "net/journal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "net/log.h"
#include "net/loop.h"

/*
 * What --net-log writes, a JSON object a line; keys are only ever added. docs/network.md
 * has the list.
 *
 *   start   time event flow path protocol address port [name] verdict
 *   end     the same, with bytes_out bytes_in ms
 *   denied  time event protocol address port [name] verdict why [rule] [allow]; that of a
 *           lookup has protocol "dns" and a name, no address and no port
 *   lost    event lines: so many are missing here, the file was too slow
 */

enum {
	SEEN_MAX = 1024, /* denied destinations that are remembered */
	SEEN_SLOTS = 2 * SEEN_MAX,
	TOLD_MAX = 100,        /* lines for the user in all */
	TOLD_A_SECOND = 10,    /* … and in one second */
	LOGGED_A_SECOND = 200, /* denials in the log */
	OPEN_MAX = 16 * 1024,  /* flows whose end will be in the log */
	LINE_MAX_BYTES = 1000, /* of a notice */
};

/* How much was said in one second. */
struct pace {
	uint64_t second;
	unsigned int said;
};

struct open_flow {
	char *name; /* may be NULL */
	struct flow_key key;
	uint64_t number; /* 0: not in use */
	uint64_t since_ms;
	size_t next_free;
	enum net_path path;
};

struct journal {
	struct loop *loop;
	const struct rules *rules;
	struct log *log; /* NULL: none */
	void (*tell)(void *context, const char *line);
	void *context;
	struct net_counters counters;

	uint64_t seen
		[SEEN_SLOTS]; /* hashes of destinations; 0: free; the last bit: told */
	size_t seen_count;
	uint64_t told, untold;
	struct pace telling, logging;

	uint64_t numbers; /* of flows so far */
	struct open_flow *open;
	size_t open_room, open_free; /* open_free: the first free one + 1 */
};

const char *net_path_name(enum net_path path)
{
	static const char *const names[PATH_COUNT] = {
		[PATH_RELAY] = "relay",
		[PATH_SLIRP] = "slirp",
		[PATH_PORT] = "port",
		[PATH_DNS] = "dns",
	};

	return names[path];
}

static void log_failed(void *context, int errnum)
{
	const struct journal *journal = context;
	char line[160];

	snprintf(line, sizeof(line),
		 "cannot write to the file of --net-log: %s; it ends here",
		 strerror(errnum));
	journal->tell(journal->context, line);
}

struct journal *journal_new(struct loop *loop, const struct rules *rules, int log_fd,
			    void (*tell)(void *context, const char *line), void *context)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	if (!journal)
		return NULL;
	journal->loop = loop;
	journal->rules = rules;
	journal->tell = tell;
	journal->context = context;
	if (log_fd < 0)
		return journal;
	journal->log = log_new(loop, log_fd, log_failed, journal);
	if (!journal->log) {
		free(journal);
		return NULL;
	}
	return journal;
}

struct net_counters *journal_counters(struct journal *journal)
{
	return &journal->counters;
}

static bool may_say(struct pace *pace, uint64_t now_ms, unsigned int most)
{
	if (pace->second != now_ms / 1000)
		*pace = (struct pace){ .second = now_ms / 1000 };
	if (pace->said >= most)
		return false;
	pace->said++;
	return true;
}

/* ---- lines of the log -------------------------------------------------------------------- */

/*
 * RFC 3339, in UTC. gmtime_r(3) would read the file of the time zone, which the empty root
 * of sbx-net does not have; the calendar is Fliegel and Van Flandern's (CACM 11, 1968).
 */
static void put_time(struct json_value *line)
{
	struct timespec now;
	int64_t days, l, n, year, month;
	int second;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	days = (int64_t)now.tv_sec / 86400;
	second = (int)((int64_t)now.tv_sec % 86400);
	l = days + 2440588 + 68569;
	n = 4 * l / 146097;
	l -= (146097 * n + 3) / 4;
	year = 4000 * (l + 1) / 1461001;
	l -= 1461 * year / 4 - 31;
	month = 80 * l / 2447;
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		 (int)(100 * (n - 49) + year + month / 11),
		 (int)(month + 2 - 12 * (month / 11)), (int)(l - 2447 * month / 80),
		 second / 3600, second / 60 % 60, second % 60,
		 (int)(now.tv_nsec / 1000000));
	json_put_text(line, "time", text);
}

static struct json_value *new_line(struct arena *arena, const char *event)
{
	struct json_value *line = json_make_object(arena);

	put_time(line);
	json_put_text(line, "event", event);
	return line;
}

static void put_destination(struct json_value *line, const struct flow_key *flow,
			    const char *name)
{
	char address[IP_TEXT_MAX];

	json_put_text(line, "protocol", protocol_name(flow->protocol));
	json_put_text(line, "address", ip_format(&flow->to, address));
	json_put_unsigned(line, "port", flow->port);
	if (name)
		json_put_text(line, "name", name);
}

static void write_line(struct journal *journal, const struct json_value *line,
		       struct arena *arena)
{
	log_line(journal->log, json_write(line, JSON_LAYOUT_LINE, arena));
	arena_free(arena);
}

static void log_start(struct journal *journal, uint64_t number, enum net_path path,
		      const struct flow_key *flow, const char *name)
{
	struct arena arena = { 0 };
	struct json_value *line = new_line(&arena, "start");

	json_put_unsigned(line, "flow", number);
	json_put_text(line, "path", net_path_name(path));
	put_destination(line, flow, name);
	json_put_text(line, "verdict", "allowed");
	write_line(journal, line, &arena);
}

static void log_end(struct journal *journal, const struct open_flow *flow,
		    uint64_t bytes_out, uint64_t bytes_in)
{
	struct arena arena = { 0 };
	struct json_value *line = new_line(&arena, "end");

	json_put_unsigned(line, "flow", flow->number);
	json_put_text(line, "path", net_path_name(flow->path));
	put_destination(line, &flow->key, flow->name);
	json_put_text(line, "verdict", "allowed");
	json_put_unsigned(line, "bytes_out", bytes_out);
	json_put_unsigned(line, "bytes_in", bytes_in);
	json_put_unsigned(line, "ms", loop_now_ms(journal->loop) - flow->since_ms);
	write_line(journal, line, &arena);
}

/* ---- denials ----------------------------------------------------------------------------- */

/* What is said of a denial, whether it is of an address or of a name. */
struct denial {
	const struct flow_key *flow; /* NULL: a lookup of `name` */
	const char *name;            /* may be NULL */
	const struct net_verdict *verdict;
	char why[256], allow[320];
};

static void log_denial(struct journal *journal, const struct denial *denial)
{
	const struct rule *rule = denial->verdict->rule;
	struct arena arena = { 0 };
	struct json_value *line;

	if (!journal->log)
		return;
	if (!may_say(&journal->logging, loop_now_ms(journal->loop), LOGGED_A_SECOND)) {
		log_lose(journal->log);
		return;
	}
	line = new_line(&arena, "denied");
	if (denial->flow) {
		put_destination(line, denial->flow, denial->name);
	} else {
		json_put_text(line, "protocol", "dns");
		json_put_text(line, "name", denial->name);
	}
	json_put_text(line, "verdict", "denied");
	json_put_text(line, "why", denial->why);
	if (rule && rule->text)
		json_put_text(line, "rule",
			      arena_printf(&arena, "%s %s",
					   rule->text->allow ? "allow" : "deny",
					   rule->text->dest));
	if (denial->allow[0])
		json_put_text(line, "allow", denial->allow);
	write_line(journal, line, &arena);
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;

	while (size--)
		hash = (hash ^ *byte++) * 0x100000001b3ULL;
	return hash;
}

static uint64_t destination_hash(const struct denial *denial)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	if (!denial->flow)
		return mix(hash, denial->name, strlen(denial->name)) | 2;
	hash = mix(hash, &denial->flow->to, sizeof(denial->flow->to));
	hash = mix(hash, &denial->flow->port, sizeof(denial->flow->port));
	return mix(hash, &denial->flow->protocol, sizeof(denial->flow->protocol)) | 2;
}

/* The place of a destination; a free one where it is new; NULL: all are taken. */
static uint64_t *find_seen(struct journal *journal, uint64_t hash)
{
	size_t slot = (size_t)(hash >> 8) % SEEN_SLOTS;

	while (journal->seen[slot] && (journal->seen[slot] | 1) != (hash | 1))
		slot = (slot + 1) % SEEN_SLOTS;
	if (journal->seen[slot] || journal->seen_count < SEEN_MAX)
		return &journal->seen[slot];
	return NULL;
}

/* Whether this is the time to tell of it; what is not told now may be the next time. */
static bool to_be_told(struct journal *journal, const struct denial *denial)
{
	const uint64_t hash = destination_hash(denial) & ~(uint64_t)1;
	uint64_t *seen = find_seen(journal, hash);

	if (!seen) {
		journal->untold++;
		return false;
	}
	if (*seen & 1)
		return false;
	if (*seen == 0) {
		*seen = hash;
		journal->seen_count++;
		journal->untold++;
	}
	if (journal->told >= TOLD_MAX ||
	    !may_say(&journal->telling, loop_now_ms(journal->loop), TOLD_A_SECOND))
		return false;
	*seen |= 1;
	journal->told++;
	journal->untold--;
	return true;
}

__attribute__((format(printf, 2, 3))) static void say(struct journal *journal,
						      const char *format, ...)
{
	char line[LINE_MAX_BYTES], printable[LINE_MAX_BYTES];
	va_list values;

	va_start(values, format);
	vsnprintf(line, sizeof(line), format, values);
	va_end(values);
	journal->tell(journal->context,
		      text_harmless(printable, sizeof(printable), line));
}

static void tell_denial(struct journal *journal, const struct denial *denial)
{
	const char *semicolon = denial->allow[0] ? "; " : "";
	const char *would = denial->allow[0] ? " would allow it" : "";
	char endpoint[ENDPOINT_TEXT_MAX];

	if (!to_be_told(journal, denial))
		return;
	if (!denial->flow) {
		say(journal, "denied the name %s (%s)%s%s%s", denial->name, denial->why,
		    semicolon, denial->allow, would);
	} else {
		if (denial->flow->protocol == PROTOCOL_ICMP)
			ip_format(&denial->flow->to, endpoint);
		else
			endpoint_format(&denial->flow->to, denial->flow->port, endpoint);
		say(journal, "denied %s to %s%s%s (%s)%s%s%s",
		    protocol_name(denial->flow->protocol), endpoint,
		    denial->name ? ", " : "", denial->name ? denial->name : "",
		    denial->why, semicolon, denial->allow, would);
	}
	if (journal->told == TOLD_MAX)
		say(journal,
		    "further denials are only counted; --net-log FILE lists them");
}

static void note_denial(struct journal *journal, struct denial *denial)
{
	journal->counters.denied++;
	rules_explain(denial->verdict, denial->why, sizeof(denial->why));
	log_denial(journal, denial);
	tell_denial(journal, denial);
}

void journal_denied(struct journal *journal, const struct flow_key *flow,
		    const struct net_verdict *verdict)
{
	struct denial denial = { .flow = flow,
				 .name = verdict->name,
				 .verdict = verdict };

	rules_suggest(journal->rules, flow, verdict, denial.allow, sizeof(denial.allow));
	note_denial(journal, &denial);
}

void journal_denied_name(struct journal *journal, const char *name,
			 const struct net_verdict *verdict)
{
	struct net_verdict named = *verdict;
	struct denial denial = { .name = name, .verdict = &named };

	journal->counters.names_refused++;
	named.name = name;
	rules_suggest(journal->rules, NULL, &named, denial.allow, sizeof(denial.allow));
	note_denial(journal, &denial);
}

/* ---- flows ------------------------------------------------------------------------------- */

static bool grow_open(struct journal *journal)
{
	const size_t room = journal->open_room ? 2 * journal->open_room : 64;
	struct open_flow *open;

	if (room > OPEN_MAX)
		return false;
	open = realloc(journal->open, room * sizeof(struct open_flow));
	if (!open)
		return false;
	journal->open = open;
	for (size_t i = room; i-- > journal->open_room;) {
		open[i] = (struct open_flow){ .next_free = journal->open_free };
		journal->open_free = i + 1;
	}
	journal->open_room = room;
	return true;
}

/* The number of an id is in its upper bits, of the place + 1; the path below, + 1. */
static uint64_t open_flow(struct journal *journal, enum net_path path,
			  const struct flow_key *flow, const char *name)
{
	struct open_flow *open;
	size_t place;

	if (!journal->open_free && !grow_open(journal))
		return 0;
	place = journal->open_free;
	open = &journal->open[place - 1];
	journal->open_free = open->next_free;
	*open = (struct open_flow){
		.name = name ? strdup(name) : NULL,
		.key = *flow,
		.number = journal->numbers,
		.since_ms = loop_now_ms(journal->loop),
		.path = path,
	};
	return place << 8;
}

void journal_begin(struct journal *journal, enum net_path path,
		   const struct flow_key *flow, const char *name, uint64_t *ret_flow)
{
	uint64_t id = (uint64_t)path + 1;

	journal->counters.flows[path]++;
	journal->numbers++;
	if (journal->log) {
		log_start(journal, journal->numbers, path, flow, name);
		id |= open_flow(journal, path, flow, name);
	}
	*ret_flow = id;
}

static void close_flow(struct journal *journal, size_t place, uint64_t bytes_out,
		       uint64_t bytes_in)
{
	struct open_flow *open = &journal->open[place];

	log_end(journal, open, bytes_out, bytes_in);
	free(open->name);
	*open = (struct open_flow){ .next_free = journal->open_free };
	journal->open_free = place + 1;
}

void journal_end(struct journal *journal, uint64_t flow, uint64_t bytes_out,
		 uint64_t bytes_in)
{
	const uint64_t place = flow >> 8;

	if (flow == 0)
		return;
	journal->counters.bytes_out[(flow & 0xff) - 1] += bytes_out;
	journal->counters.bytes_in[(flow & 0xff) - 1] += bytes_in;
	if (place && place <= journal->open_room && journal->open[place - 1].number)
		close_flow(journal, (size_t)place - 1, bytes_out, bytes_in);
}

void journal_free(struct journal *journal)
{
	if (!journal)
		return;
	for (size_t i = 0; i < journal->open_room; i++) {
		if (journal->open[i].number)
			close_flow(journal, i, 0, 0);
	}
	log_free(journal->log);
	if (journal->untold)
		say(journal, "%" PRIu64 " more destinations were denied%s",
		    journal->untold, journal->log ? "" : "; --net-log FILE lists them");
	free(journal->open);
	free(journal);
}
