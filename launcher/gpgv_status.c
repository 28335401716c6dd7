/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gpgv says. VALIDSIG alone is no good news: it comes for expired and revoked keys too,
 * and gpgv ends with 0 then. GOODSIG is, of a signature that VALIDSIG describes.
 */
#include "launcher/gpgv.h"

#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* In the order in which one is told of before the other. */
enum finding {
	FOUND_NOTHING,
	FOUND_FOREIGN, /* NO_PUBKEY */
	FOUND_TEXT,    /* VALIDSIG of class 01 */
	FOUND_WEAK,    /* VALIDSIG with MD5, SHA-1 or RIPE-MD */
	FOUND_EXPIRED, /* EXPSIG */
	FOUND_EXPIRED_KEY,
	FOUND_REVOKED_KEY,
	FOUND_BAD,
};

static const struct keyword {
	const char *name;
	enum finding finding;
} keywords[] = {
	{ "NO_PUBKEY", FOUND_FOREIGN },
	{ "EXPSIG", FOUND_EXPIRED },
	{ "EXPKEYSIG", FOUND_EXPIRED_KEY },
	{ "REVKEYSIG", FOUND_REVOKED_KEY },
	{ "BADSIG", FOUND_BAD },
};

enum { WORDS_MAX = 12, WORD_SIZE = GPGV_ID_SIZE };

/* The words of a line; what is longer than a fingerprint is cut, and says nothing to us. */
struct words {
	char at[WORDS_MAX][WORD_SIZE];
	size_t count;
};

struct report {
	enum finding worst;
	char key[GPGV_ID_SIZE];  /* of the worst */
	bool is_good;            /* GOODSIG was said since the last signature began */
	char good[GPGV_ID_SIZE]; /* the primary key of a good signature; "": none */
};

static void split(const char *line, size_t length, struct words *words)
{
	const char *const end = line + length;

	words->count = 0;
	while (line < end && words->count < WORDS_MAX) {
		const char *space = memchr(line, ' ', (size_t)(end - line));
		const size_t size = (size_t)((space ? space : end) - line);

		snprintf(words->at[words->count++], WORD_SIZE, "%.*s",
			 (int)(size < WORD_SIZE ? size : WORD_SIZE - 1), line);
		line += size + (space != NULL);
	}
}

static void find(struct report *report, enum finding finding, const char *key)
{
	if (finding <= report->worst)
		return;
	report->worst = finding;
	(void)text_copy(report->key, sizeof(report->key), key);
}

/* MD5, SHA-1 and RIPE-MD/160: RFC 4880 section 9.4. */
static bool is_weak(const char *hash)
{
	return strcmp(hash, "1") == 0 || strcmp(hash, "2") == 0 || strcmp(hash, "3") == 0;
}

/*
 * VALIDSIG FINGERPRINT DATE TIME EXPIRES VERSION RESERVED ALGORITHM HASH CLASS PRIMARY.
 * Class 00 is of bytes; in 01, of text, the ends of lines are as one likes.
 */
static void take_valid(struct report *report, const struct words *words)
{
	enum { HASH = 9, CLASS, PRIMARY, COUNT };

	if (!report->is_good || words->count < COUNT)
		return;
	report->is_good = false;
	if (strcmp(words->at[CLASS], "00") != 0)
		find(report, FOUND_TEXT, words->at[PRIMARY]);
	else if (is_weak(words->at[HASH]))
		find(report, FOUND_WEAK, words->at[PRIMARY]);
	else
		memcpy(report->good, words->at[PRIMARY], sizeof(report->good));
}

static void take_line(struct report *report, const struct words *words)
{
	const char *name;

	if (words->count < 2 || strcmp(words->at[0], "[GNUPG:]") != 0)
		return;
	name = words->at[1];
	if (strcmp(name, "NEWSIG") == 0)
		report->is_good = false;
	if (strcmp(name, "GOODSIG") == 0)
		report->is_good = true;
	if (strcmp(name, "VALIDSIG") == 0)
		take_valid(report, words);
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (strcmp(name, keywords[i].name) == 0)
			find(report, keywords[i].finding,
			     words->count > 2 ? words->at[2] : "");
}

static int refuse(const struct report *report, struct error *err)
{
	switch (report->worst) {
	case FOUND_BAD:
		return error_set(err, ERROR_SIGNATURE,
				 "it is not what was signed: it was changed, or the "
				 "signature was");
	case FOUND_REVOKED_KEY:
		return error_set(err, ERROR_SIGNATURE,
				 "the key that signed it, %s, was revoked", report->key);
	case FOUND_EXPIRED_KEY:
		return error_set(err, ERROR_SIGNATURE,
				 "the key that signed it, %s, has expired", report->key);
	case FOUND_EXPIRED:
		return error_set(err, ERROR_SIGNATURE, "its signature has expired");
	case FOUND_WEAK:
		return error_set(
			err, ERROR_SIGNATURE,
			"its signature is made with MD5, SHA-1 or RIPE-MD, which "
			"can be forged");
	case FOUND_TEXT:
		return error_set(err, ERROR_SIGNATURE,
				 "its signature is one of text, not of bytes");
	case FOUND_FOREIGN:
		return error_set(err, ERROR_SIGNATURE,
				 "its signature is by the key %s, which is not among "
				 "those that count",
				 report->key);
	case FOUND_NOTHING:
		break;
	}
	return error_set(err, ERROR_SIGNATURE,
			 "its signature cannot be read: gpgv finds none of a file in it");
}

int gpgv_judge(const char *text, char ret_id[GPGV_ID_SIZE], struct error *err)
{
	struct report report = { 0 };

	while (*text) {
		const size_t length = strcspn(text, "\n");
		struct words words;

		split(text, length, &words);
		take_line(&report, &words);
		text += length + (text[length] == '\n');
	}
	if (!report.good[0] || report.worst == FOUND_BAD)
		return refuse(&report, err);
	memcpy(ret_id, report.good, GPGV_ID_SIZE);
	return 0;
}
