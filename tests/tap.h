/*
 * tap: what every unit test includes.  cmocka with TAP output; a test's name
 * is a sentence about behaviour, given as a string.
 */
#ifndef TTT_TESTS_TAP_H
#define TTT_TESTS_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST(sentence, function) { .name = (sentence), .test_func = (function) }

#define RUN_TESTS(tests) \
	(cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests(tests, NULL, NULL))

#endif
