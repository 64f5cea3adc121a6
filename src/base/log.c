/* log: see log.h.  One write per line, so that lines of two processes do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

static enum log_level wanted = LOG_LEVEL_INFO;
static bool to_syslog, to_parent;

void log_set_level(enum log_level level)
{
	wanted = level;
}

void log_to_syslog(void)
{
	openlog("ttt", LOG_NDELAY | LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

void log_to_parent(void)
{
	if (to_syslog)
		closelog();
	to_syslog = false;
	to_parent = true;
}

enum log_level log_level_of(const char **line)
{
	static const enum log_level known[] = {
		LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG,
	};
	const char *at = *line;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (at[0] == '<' && at[1] == '0' + (int)known[i] && at[2] == '>') {
			*line += 3;
			return known[i];
		}
	return LOG_LEVEL_ERROR;
}

static void log_line(enum log_level level, const char *format, va_list args)
{
	char line[1024];
	int prefix, text, len;

	if (level > wanted)
		return;
	if (to_syslog) {
		vsyslog((int)level, format, args);	/* the levels are syslog's own numbers */
		return;
	}
	if (to_parent || getenv("JOURNAL_STREAM") != NULL)
		prefix = snprintf(line, sizeof(line), "<%d>", level);
	else
		prefix = snprintf(line, sizeof(line), "ttt: ");
	text = vsnprintf(line + prefix, sizeof(line) - (size_t)prefix - 1, format, args);
	if (text < 0)
		return;
	len = prefix + text;
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;	/* nobody is listening any more */
}

void log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, format, args);
	va_end(args);
}

#define LOG_FUNCTION(name, level)			\
	void name(const char *format, ...)		\
	{						\
		va_list args;				\
							\
		va_start(args, format);			\
		log_line(level, format, args);		\
		va_end(args);				\
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
