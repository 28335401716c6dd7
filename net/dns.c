/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/dns_answer.h"
#include "net/dns_cache.h"
#include "net/dns_local.h"
#include "net/dns_message.h"
#include "net/dns_sockets.h"
#include "net/dns_type.h"
#include "net/dns_upstream.h"
#include "net/loop.h"
#include "net/resolv.h"

/*
 * The way of a question: read strictly; answered here where it can be (a local name, a
 * refusal, the cache); else it waits for an exchange with the upstreams. The same question of
 * several askers is one exchange: many at a time would make an answer easier to guess. Everything lies
 * in tables that are there from the beginning; what does not fit is SERVFAIL.
 */

enum {
	PENDING_MAX = 256,
	ASKERS_MAX = 256,
	RATE = 1000, /* questions a second to the upstreams, and at once */
	LOCAL_TTL_S = 60,
	VARIANT_DNSSEC = 1,
	VARIANT_UNCHECKED = 2,
};

struct pending;

struct asker {
	bool used;
	struct pending *pending;
	struct asker *next;
	struct dns_query query;
	size_t max;
	struct dns_return to;
};

struct pending {
	struct dns_exchange exchange; /* first */
	struct dns *dns;
	bool used;
	bool answered; /* the askers are being told */
	unsigned variant;
	struct asker *askers;
};

struct dns {
	struct dns_spec spec;
	struct gate *gate;
	struct dns_upstreams *upstreams;
	struct dns_cache *cache;
	struct dns_locals *locals;
	struct dns_sockets *sockets;
	struct resolv resolv;
	bool told; /* that nobody answers */
	uint64_t filled_ms, tokens;
	struct pending pending[PENDING_MAX];
	struct asker askers[ASKERS_MAX];
	uint8_t built[DNS_MESSAGE_MAX];
	uint8_t out[DNS_MESSAGE_MAX];
};

/* ---- answers ---------------------------------------------------------------------------- */

static void give(const struct asker *asker, const uint8_t *answer, size_t size)
{
	const struct dns_return *to = &asker->to;

	if (size == 0)
		return;
	if (to->fd < 0)
		to->reply(to->context, answer, size);
	else
		sendto(to->fd, answer, size, MSG_DONTWAIT | MSG_NOSIGNAL,
		       (const struct sockaddr *)&to->from, to->from_length);
}

static void give_plain(struct dns *dns, const struct asker *asker, unsigned rcode,
		       int extended, const char *words)
{
	give(asker, dns->out,
	     dns_answer_plain(&asker->query, rcode, extended, words, dns->out,
			      DNS_UDP_LEAST + asker->query.question.name.size));
}

/* The largest answer that this asker takes. */
static size_t room_of(const struct asker *asker)
{
	if (asker->max > DNS_UDP_MAX || asker->query.udp_size > asker->max)
		return asker->max;
	return asker->query.udp_size;
}

static void give_message(struct dns *dns, const struct asker *asker,
			 const uint8_t *message, size_t size)
{
	give(asker, dns->out,
	     dns_answer_fit(&asker->query, message, size, room_of(asker), dns->out,
			    sizeof(dns->out)));
}

struct feeding {
	struct dns *dns;
	char name[NAME_TEXT_MAX];
};

/* From now on the sandbox may go there, where a rule allows the name. */
static void feed(void *context, const struct ip *address, uint32_t ttl_s)
{
	struct feeding *feeding = context;
	struct gate *gate = feeding->dns->gate;

	names_add(gate->names, feeding->name, address, ttl_s, loop_now_ms(gate->loop));
}

static void feed_message(struct dns *dns, const struct dns_name *name, uint8_t *message,
			 size_t size, uint32_t age_s)
{
	struct feeding feeding = { .dns = dns };

	if (dns_name_to_text(name, feeding.name) == 0)
		dns_answer_age(message, size, age_s, feed, &feeding);
}

/* ---- askers that wait ------------------------------------------------------------------- */

static void release(struct pending *pending, struct asker *asker)
{
	struct asker **link = &pending->askers;

	while (*link != NULL && *link != asker)
		link = &(*link)->next;
	if (*link == asker)
		*link = asker->next;
	asker->used = false;
}

/* What reply() does may end askers that wait behind it, so each is let go of first. */
static void tell_askers(struct pending *pending, const uint8_t *message, size_t size,
			unsigned rcode, int extended, const char *words)
{
	struct dns *dns = pending->dns;

	pending->answered = true;
	while (pending->askers != NULL) {
		const struct asker asker = *pending->askers;

		release(pending, pending->askers);
		if (message != NULL)
			give_message(dns, &asker, message, size);
		else
			give_plain(dns, &asker, rcode, extended, words);
	}
	pending->used = false;
}

static void tell_once(struct dns *dns)
{
	char line[512], servers[300] = "";
	const char *whose = dns->spec.upstream_count > 0 ? "that --dns names"
							 : "of the host's resolv.conf";

	if (dns->told || dns->spec.tell == NULL)
		return;
	dns->told = true;
	dns_upstreams_list(dns->upstreams, servers, sizeof(servers));
	snprintf(line, sizeof(line),
		 "no name can be looked up: no name server %s answers (%s); --dns ADDR "
		 "names another",
		 whose, servers);
	dns->spec.tell(dns->spec.context, line);
}

struct admission {
	const struct rules *rules;
	char name[NAME_TEXT_MAX];
};

static bool admits(void *context, const struct ip *address)
{
	const struct admission *admission = context;

	return rules_admit_answer(admission->rules, admission->name, address);
}

static void refuse_rebound(struct pending *pending, const char *name)
{
	const struct net_verdict verdict = { .why = DENIED_REBOUND, .name = name };

	journal_denied_name(pending->dns->gate->journal, name, &verdict);
	tell_askers(pending, NULL, 0, DNS_REFUSED, DNS_EXTENDED_BLOCKED,
		    "the name leads to a private address");
}

static void pass_on(struct pending *pending, const uint8_t *message, size_t size)
{
	struct dns *dns = pending->dns;
	const struct dns_question *question = &pending->exchange.question;
	struct admission admission = { .rules = dns->gate->rules };
	const struct dns_filter filter = { admits, &admission };
	struct dns_built built;

	if (dns_name_to_text(&question->name, admission.name) < 0 ||
	    dns_answer_build(message, size, question, &filter, dns->built,
			     sizeof(dns->built), &built) < 0) {
		tell_askers(pending, NULL, 0, DNS_SERVFAIL, DNS_EXTENDED_NONE, "");
		return;
	}
	if (built.refused > 0 && built.admitted == 0) {
		refuse_rebound(pending, admission.name);
		return;
	}
	dns_cache_put(dns->cache, question, pending->variant, dns->built, built.size,
		      built.ttl_s, loop_now_ms(dns->spec.loop));
	feed_message(dns, &question->name, dns->built, built.size, 0);
	tell_askers(pending, dns->built, built.size, 0, DNS_EXTENDED_NONE, "");
}

static void exchange_ended(struct dns_exchange *exchange, const uint8_t *message,
			   size_t size, unsigned rcode)
{
	struct pending *pending = (struct pending *)exchange;

	if (message != NULL) {
		pass_on(pending, message, size);
		return;
	}
	if (exchange->heard) {
		tell_askers(pending, NULL, 0, rcode, DNS_EXTENDED_NONE, "");
		return;
	}
	tell_once(pending->dns);
	tell_askers(pending, NULL, 0, rcode, DNS_EXTENDED_UNREACHED,
		    "no name server answers");
}

/* ---- waiting ---------------------------------------------------------------------------- */

static unsigned variant_of(const struct dns_query *query)
{
	return (query->dnssec ? VARIANT_DNSSEC : 0U) |
	       ((query->header.flags & DNS_CD) != 0 ? VARIANT_UNCHECKED : 0U);
}

static bool is_same(const struct pending *pending, const struct dns_query *query)
{
	const struct dns_question *question = &pending->exchange.question;

	return pending->used && !pending->answered &&
	       pending->variant == variant_of(query) &&
	       question->type == query->question.type &&
	       dns_name_equal(&question->name, &query->question.name);
}

static struct pending *find_pending(struct dns *dns, const struct dns_query *query)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		if (is_same(&dns->pending[i], query))
			return &dns->pending[i];
	}
	return NULL;
}

static struct pending *free_pending(struct dns *dns)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		if (!dns->pending[i].used)
			return &dns->pending[i];
	}
	return NULL;
}

static struct asker *free_asker(struct dns *dns)
{
	for (size_t i = 0; i < ASKERS_MAX; i++) {
		if (!dns->askers[i].used)
			return &dns->askers[i];
	}
	return NULL;
}

static bool take_token(struct dns *dns)
{
	const uint64_t now_ms = loop_now_ms(dns->spec.loop);
	const uint64_t more = (now_ms - dns->filled_ms) * RATE / 1000;

	if (more > 0) {
		dns->tokens = dns->tokens + more > RATE ? RATE : dns->tokens + more;
		dns->filled_ms = now_ms;
	}
	if (dns->tokens == 0)
		return false;
	dns->tokens--;
	return true;
}

static void join(struct pending *pending, struct asker *place, const struct asker *asker)
{
	*place = *asker;
	place->used = true;
	place->pending = pending;
	place->next = pending->askers;
	pending->askers = place;
}

static void start(struct dns *dns, struct pending *pending, struct asker *place,
		  const struct asker *asker)
{
	struct dns_exchange *exchange = &pending->exchange;

	pending->dns = dns;
	pending->used = true;
	pending->answered = false;
	pending->variant = variant_of(&asker->query);
	pending->askers = NULL;
	join(pending, place, asker);
	exchange->question = asker->query.question;
	exchange->flags = DNS_AD | (asker->query.header.flags & DNS_CD);
	exchange->dnssec = asker->query.dnssec;
	exchange->ended = exchange_ended;
	if (dns->spec.asked != NULL)
		dns->spec.asked(dns->spec.context);
	dns_exchange_start(dns->upstreams, exchange);
}

static void ask_upstream(struct dns *dns, const struct asker *asker)
{
	struct asker *place = free_asker(dns);
	struct pending *pending = find_pending(dns, &asker->query);

	if (place != NULL && pending != NULL) {
		join(pending, place, asker);
		return;
	}
	pending = free_pending(dns);
	if (place == NULL || pending == NULL || !take_token(dns)) {
		give_plain(dns, asker, DNS_SERVFAIL, DNS_EXTENDED_OTHER,
			   "too many questions");
		return;
	}
	start(dns, pending, place, asker);
}

/* ---- judging ---------------------------------------------------------------------------- */

static bool answer_locally(struct dns *dns, const struct asker *asker)
{
	const struct dns_question *question = &asker->query.question;
	struct ip addresses[DNS_LOCAL_ADDRESSES_MAX];
	size_t count;

	if (!dns_locals_find(dns->locals, &question->name, addresses, &count))
		return false;
	give_message(dns, asker, dns->built,
		     dns_answer_addresses(question, addresses, count, LOCAL_TTL_S,
					  dns->built, sizeof(dns->built)));
	return true;
}

static bool answer_from_cache(struct dns *dns, const struct asker *asker)
{
	const struct dns_question *question = &asker->query.question;
	uint8_t message[DNS_CACHE_MESSAGE_MAX];
	struct dns_cached cached;

	if (!dns_cache_find(dns->cache, question, variant_of(&asker->query),
			    loop_now_ms(dns->spec.loop), &cached))
		return false;
	memcpy(message, cached.message, cached.size);
	feed_message(dns, &question->name, message, cached.size, cached.age_s);
	give_message(dns, asker, message, cached.size);
	return true;
}

static bool is_reverse(const struct dns_name *name)
{
	static const struct dns_name arpa = { 6, { 4, 'a', 'r', 'p', 'a', 0 } };

	return dns_name_within(name, &arpa);
}

/* Programs look up addresses backwards for their logs: a denial of that is worth no line. */
static bool is_admitted_name(struct dns *dns, const struct dns_name *name)
{
	char text[NAME_TEXT_MAX];
	struct net_verdict verdict;

	if (dns_name_to_text(name, text) < 0)
		return false;
	if (!is_reverse(name))
		return gate_admits_name(dns->gate, text, &verdict);
	rules_judge_name(dns->gate->rules, text, &verdict);
	return verdict.allowed;
}

/*
 * HTTPS and SVCB hold addresses, and keys that would hide the name of a TLS connection
 * (RFC 9460, 9848): with names in force there are none, which every client can live with.
 */
static bool is_empty_type(const struct dns *dns, uint16_t type)
{
	if (type == DNS_TYPE_AAAA)
		return dns->spec.no_ip6;
	return dns->gate->rules->has_names &&
	       (type == DNS_TYPE_HTTPS || type == DNS_TYPE_SVCB);
}

static void judge(struct dns *dns, const struct asker *asker)
{
	const struct dns_question *question = &asker->query.question;

	if (answer_locally(dns, asker))
		return;
	if (!is_admitted_name(dns, &question->name))
		give_plain(dns, asker, DNS_REFUSED, DNS_EXTENDED_BLOCKED,
			   "no rule of the sandbox allows this name");
	else if (is_empty_type(dns, question->type))
		give_plain(dns, asker, DNS_NOERROR, DNS_EXTENDED_NONE, "");
	else if (dns->gate->rules->has_names && !dns_type_is_ruled(question->type))
		give_plain(dns, asker, DNS_REFUSED, DNS_EXTENDED_BLOCKED,
			   "the rules of the sandbox do not allow this type");
	else if (!answer_from_cache(dns, asker))
		ask_upstream(dns, asker);
}

void dns_ask_return(struct dns *dns, const uint8_t *question, size_t size, size_t max,
		    const struct dns_return *to)
{
	struct asker asker = { .max = max, .to = *to };
	const int rcode = dns_read_query(question, size, &asker.query);

	if (rcode < 0)
		return;
	journal_counters(dns->gate->journal)->names_asked++;
	if (rcode != DNS_NOERROR)
		give_plain(dns, &asker, (unsigned)rcode, DNS_EXTENDED_NONE, "");
	else if (!dns_type_is_lookup(asker.query.question.type))
		give_plain(dns, &asker, DNS_NOTIMP, DNS_EXTENDED_NONE, "");
	else if (asker.query.question.class != DNS_CLASS_IN)
		give_plain(dns, &asker, DNS_REFUSED, DNS_EXTENDED_NONE, "");
	else
		judge(dns, &asker);
}

/* ---- the door --------------------------------------------------------------------------- */

void dns_ask(struct dns *dns, const uint8_t *question, size_t size, size_t max,
	     void (*reply)(void *context, const uint8_t *answer, size_t size),
	     void *context)
{
	const struct dns_return to = { .fd = -1, .reply = reply, .context = context };

	dns_ask_return(dns, question, size, max, &to);
}

/* The exchange goes on: somebody may ask again, and the answer is kept. */
void dns_forget(struct dns *dns, void *context)
{
	for (size_t i = 0; i < ASKERS_MAX; i++) {
		struct asker *asker = &dns->askers[i];

		if (asker->used && asker->to.fd < 0 && asker->to.context == context)
			release(asker->pending, asker);
	}
}

static bool is_same_resolv(const struct resolv *a, const struct resolv *b)
{
	return a->by_tcp == b->by_tcp && a->server_count == b->server_count &&
	       memcmp(a->servers, b->servers, sizeof(a->servers)) == 0;
}

static void set_resolv(struct dns *dns, const struct resolv *resolv)
{
	dns->resolv = *resolv;
	dns->resolv.domain_count = 0;
	dns_upstreams_set(dns->upstreams, resolv);
	dns_cache_clear(dns->cache);
	dns->told = false;
}

/* Another network may have other names: what was kept is forgotten. */
void dns_set_resolv_conf(struct dns *dns, const char *text, size_t length)
{
	struct resolv resolv;

	if (dns->spec.upstream_count > 0)
		return;
	resolv_parse(text, length, &resolv);
	if (!is_same_resolv(&resolv, &dns->resolv))
		set_resolv(dns, &resolv);
}

static void set_first_upstreams(struct dns *dns)
{
	const char *text = dns->spec.resolv_conf;
	struct resolv resolv = { .server_count = 0 };

	if (dns->spec.upstream_count == 0)
		resolv_parse(text, text != NULL ? strlen(text) : 0, &resolv);
	for (size_t i = 0; i < dns->spec.upstream_count && i < RESOLV_SERVERS_MAX; i++)
		resolv.servers[resolv.server_count++].ip = dns->spec.upstreams[i];
	set_resolv(dns, &resolv);
	dns->spec.resolv_conf = NULL;
}

/* Programs find these in /etc/hosts and never ask: they are known from the beginning. */
static void feed_local(void *context, const struct dns_name *name,
		       const struct ip *address)
{
	struct dns *dns = context;
	struct feeding feeding = { .dns = dns };

	if (dns_name_to_text(name, feeding.name) == 0)
		feed(&feeding, address, UINT32_MAX);
}

static int allocate(struct dns *dns)
{
	const struct dns_upstreams_spec upstreams = {
		.loop = dns->spec.loop,
		.counters = journal_counters(dns->gate->journal),
		.port = dns->spec.upstream_port,
		.try_ms = dns->spec.try_ms,
	};
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -1;
	dns->upstreams = dns_upstreams_new(&upstreams);
	dns->cache = dns_cache_new(seed);
	dns->locals = dns_locals_new(&dns->spec);
	dns->sockets = dns_sockets_new(dns, dns->spec.loop);
	return dns->upstreams != NULL && dns->cache != NULL && dns->locals != NULL &&
			       dns->sockets != NULL
		       ? 0
		       : -1;
}

struct dns *dns_new(const struct dns_spec *spec, struct error *err)
{
	struct dns *dns = calloc(1, sizeof(*dns));

	if (dns != NULL) {
		dns->spec = *spec;
		dns->gate = spec->gate;
		dns->tokens = RATE;
	}
	if (dns == NULL || allocate(dns) < 0) {
		error_errno_id(err, ERROR_NETWORK,
			       "make the tables of the DNS forwarder");
		dns_free(dns);
		return NULL;
	}
	set_first_upstreams(dns);
	dns_locals_each(dns->locals, feed_local, dns);
	dns->spec.hosts = NULL;
	return dns;
}

void dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	for (size_t i = 0; i < PENDING_MAX; i++) {
		if (dns->pending[i].used)
			dns_exchange_cancel(&dns->pending[i].exchange);
	}
	dns_sockets_free(dns->sockets);
	dns_upstreams_free(dns->upstreams);
	dns_cache_free(dns->cache);
	dns_locals_free(dns->locals);
	free(dns);
}

int dns_serve_udp(struct dns *dns, int fd, struct error *err)
{
	return dns_sockets_add_udp(dns->sockets, fd, err);
}

int dns_serve_tcp(struct dns *dns, int listener, struct error *err)
{
	return dns_sockets_add_tcp(dns->sockets, listener, err);
}
