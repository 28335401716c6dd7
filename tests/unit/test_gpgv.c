/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines of gpgv come to. They are those that it has written, or would write. */
#include "base/error.h"
#include "launcher/gpgv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FPR  "96DD4EB108942803C5DFDF2EA6CC5FE089FFC997"
#define LINE "[GNUPG:] "
#define NEW  LINE "NEWSIG tester@example.org\n"
#define GOOD LINE "GOODSIG A6CC5FE089FFC997 Tester <tester@example.org>\n"
#define VALID(hash, class)                                                                            \
	LINE "VALIDSIG 0000000000000000000000000000000000000001 2026-11-22 1795342502 0 4 0 22 " hash \
	     " " class " " FPR "\n"

static void one_good_signature_of_bytes_is_enough(void **state)
{
	static const char *const good[] = {
		NEW GOOD VALID("8", "00"),
		NEW GOOD VALID("10", "00"),
		/* one of somebody else beside it, before and behind */
		NEW LINE "ERRSIG 00 22 8 00 1 9\n" LINE
			 "NO_PUBKEY 00\n" NEW GOOD VALID("8", "00"),
		NEW GOOD VALID("8", "00") NEW LINE "NO_PUBKEY 00\n",
		/* one that has expired beside it */
		NEW LINE "EXPSIG 01 x\n" VALID("8", "00") NEW GOOD VALID("8", "00"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		char id[GPGV_ID_SIZE] = "";
		struct error err;

		assert_int_equal(gpgv_judge(good[i], id, &err), 0);
		assert_string_equal(id, FPR);
	}
}

static void what_is_not_good_is_called_what_it_is(void **state)
{
	static const struct {
		const char *lines, *why;
	} cases[] = {
		{ "", "its signature cannot be read: gpgv finds none of a file in it" },
		{ LINE "NODATA 4\n",
		  "its signature cannot be read: gpgv finds none of a file in it" },
		{ NEW VALID("8", "00"),
		  "its signature cannot be read: gpgv finds none of a file in it" },
		{ NEW GOOD,
		  "its signature cannot be read: gpgv finds none of a file in it" },
		/* good, and then another one is described */
		{ NEW GOOD NEW VALID("8", "00"),
		  "its signature cannot be read: gpgv finds none of a file in it" },
		{ "x " GOOD "y " VALID("8", "00"),
		  "its signature cannot be read: gpgv finds none of a file in it" },
		{ NEW LINE "BADSIG A6CC5FE089FFC997 Tester\n",
		  "it is not what was signed: it was changed, or the signature was" },
		{ NEW GOOD VALID("8", "00") NEW LINE "BADSIG A6CC5FE089FFC997 Tester\n",
		  "it is not what was signed: it was changed, or the signature was" },
		{ NEW LINE "REVKEYSIG 3F7005742FCFCB11 Revoked\n" VALID("8", "00"),
		  "the key that signed it, 3F7005742FCFCB11, was revoked" },
		{ NEW LINE "EXPKEYSIG 6334F8571CFA3335 Expired\n" VALID("8", "00"),
		  "the key that signed it, 6334F8571CFA3335, has expired" },
		{ NEW LINE "EXPSIG 1C6A76D971288532 Old\n" VALID("8", "00"),
		  "its signature has expired" },
		{ NEW GOOD VALID("2", "00"),
		  "its signature is made with MD5, SHA-1 or RIPE-MD, which can be forged" },
		{ NEW GOOD VALID("8", "01"),
		  "its signature is one of text, not of bytes" },
		{ NEW LINE "ERRSIG A6CC5FE089FFC997 22 8 00 1 9 " FPR "\n" LINE
			   "NO_PUBKEY A6CC5FE089FFC997\n",
		  "its signature is by the key A6CC5FE089FFC997, which is not among those "
		  "that count" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char id[GPGV_ID_SIZE] = "untouched";
		struct error err;

		assert_int_equal(gpgv_judge(cases[i].lines, id, &err), -1);
		assert_string_equal(err.text, cases[i].why);
		assert_int_equal(err.id, ERROR_SIGNATURE);
		assert_string_equal(id, "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_good_signature_of_bytes_is_enough),
		cmocka_unit_test(what_is_not_good_is_called_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
