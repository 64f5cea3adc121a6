/*
 * arguments: the command line of ttt-sim: a table of options, each with what reads its value.
 *
 * A value is all words up to the next one that begins with `--`, so that
 * `--at 10s link 1 down` needs no quotes.
 */
#ifndef TTT_SIM_TOOL_ARGUMENTS_H
#define TTT_SIM_TOOL_ARGUMENTS_H

#include <stdio.h>

#include "sim/tool/scenario.h"

enum arguments_result { ARGUMENTS_RUN, ARGUMENTS_HELP, ARGUMENTS_VERSION, ARGUMENTS_WRONG };

/* ARGUMENTS_WRONG: c says what; else s is whole. */
enum arguments_result arguments_read(char **word, struct scenario *s, struct complaint *c);
void arguments_help(FILE *f);

#endif
