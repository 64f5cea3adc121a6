/* status: the lines that people read and scripts rely on. */
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include "control/status_json.h"
#include "control/status_text.h"
#include "tap.h"

static void numbers_have_three_digits_at_most(void **state)
{
	const struct {
		uint64_t rate;
		const char *text;
	} row[] = {
		{ 0, "0 bit/s" }, { 124, "992 bit/s" }, { 125, "1.00 kbit/s" }, { 2500000, "20.0 Mbit/s" },
		{ 12487500, "99.9 Mbit/s" }, { 12500000, "100 Mbit/s" }, { 124950000, "1.00 Gbit/s" },
	};
	char buf[STATUS_WORD];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_string_equal(status_rate(row[i].rate, buf), row[i].text);
	assert_string_equal(status_bytes(4500000000, buf), "4.50 GB");
	assert_string_equal(status_latency(MSEC(23), buf), "23 ms");
	assert_string_equal(status_latency(NSEC_PER_USEC * 2500, buf), "2.5 ms");
	assert_string_equal(status_latency(0, buf), "- ms");
	assert_string_equal(status_age(SEC(119), buf), "119 s");
	assert_string_equal(status_age(SEC(120), buf), "2 min");
	assert_string_equal(status_age(STATUS_NEVER, buf), "never");
}

static void a_traveller_sees_state_links_and_what_is_not_used(void **state)
{
	struct status s = { .interface = "ttt0", .role = "client", .state = "up", .state_age = SEC(180) };
	struct status_peer *p = status_add_peer(&s);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(p);
	p->path_count = 2;
	p->path[0] = (struct status_path){ .link = "wlan0", .state = "up", .srtt = MSEC(23), .rx_rate = 1500000,
					   .loss_ppm = 1000, .mtu = 1400 };
	p->path[1] = (struct status_path){ .link = "usb0", .state = "suspect", .rx_rate = 500000 };
	status_share(p);
	s.unused_count = 1;
	strcpy(s.unused[0].link, "eth0");
	strcpy(s.unused[0].reason, "no carrier");
	strcpy(s.offload_tun, "tso uso");
	s.drop_count = 2;
	strcpy(s.drop[0].name, "replay");
	s.drop[0].count = 3;
	strcpy(s.offload_udp, "segment gro");
	status_print(&s, out);
	fclose(out);
	assert_string_equal(text,
		"ttt0 up  16.0 Mbit/s down  0 bit/s up  over 1 link  for 3 min\n"
		"path wlan0 up 23 ms 0.1 % loss  12.0 Mbit/s down  0 bit/s up  75 %  mtu 1400\n"
		"path usb0 suspect - ms 0.0 % loss  4.00 Mbit/s down  0 bit/s up  25 %\n"
		"unused eth0: no carrier\n"
		"offload: tun tso uso, udp segment gro\n"
		"dropped replay: 3\n");
	free(text);
	status_done(&s);
}

static void paths_of_one_link_are_told_apart(void **state)
{
	struct status s = { .interface = "ttt0", .role = "client", .state = "up" };
	struct status_peer *p = status_add_peer(&s);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(p);
	p->path_count = 3;
	p->path[0] = (struct status_path){ .link = "wlan0", .state = "up", .eligible = true };
	p->path[1] = (struct status_path){ .link = "usb0", .state = "up", .eligible = true };
	p->path[2] = (struct status_path){ .link = "wlan0", .state = "up" };
	assert_true(addr_parse("2001:db8::1", &p->path[0].remote) && addr_parse("192.0.2.1", &p->path[2].remote));
	status_print(&s, out);
	fclose(out);
	assert_string_equal(text,
		"ttt0 up  0 bit/s down  0 bit/s up  over 2 links  for 0 s\n"
		"path wlan0 up - ms 0.0 % loss  0 bit/s down  0 bit/s up  0 %  to 2001:db8::1\n"
		"path usb0 up - ms 0.0 % loss  0 bit/s down  0 bit/s up  0 %\n"
		"path wlan0 up - ms 0.0 % loss  0 bit/s down  0 bit/s up  0 %  to 192.0.2.1, stands by\n");
	free(text);
	status_done(&s);
}

static void a_link_has_lines_only_for_what_is_unusual(void **state)
{
	struct status s = { .interface = "ttt0", .role = "client", .state = "up", .link_count = 3 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	s.link[0] = (struct status_link){ .name = "wlan0", .present = true, .tier = "primary" };
	s.link[1] = (struct status_link){
		.name = "usb0", .present = true, .changed = true, .settings = "tier=backup budget=20GB",
		.budget = 20000000000, .budget_used = 12300000000, .budget_left = 7700000000,
		.budget_until = "1 December", .reason = "backup: the primary links work",
	};
	s.link[2] = (struct status_link){ .name = "wwan0", .settings = "metered=yes", .reason = "not there" };
	status_print(&s, out);
	fclose(out);
	assert_string_equal(text,
		"ttt0 up  0 bit/s down  0 bit/s up  over 0 links  for 0 s\n"
		"link usb0 tier=backup budget=20GB  (until ttt down)\n"
		"budget usb0: 12.3 GB used, 7.70 GB left until 1 December\n"
		"idle usb0: backup: the primary links work\n"
		"link wwan0 metered=yes  (not there)\n");
	free(text);
	status_done(&s);
}

static void a_status_survives_json_and_nonsense_does_not(void **state)
{
	struct status s = { .interface = "ttt0", .role = "client", .state = "up", .uptime = SEC(5), .mtu = 1420,
			    .worker_pid = 42, .address_count = 1 }, back = { 0 };
	struct status_peer *p = status_add_peer(&s);
	json_t *json, *again, *wrong;

	(void)state;
	assert_true(prefix_parse("10.84.0.2/24", &s.address[0]));
	strcpy(p->name, "vps");
	p->session_age = STATUS_NEVER;
	p->path_count = 1;
	p->path[0] = (struct status_path){ .link = "wlan0", .state = "up", .srtt = MSEC(23), .weight = 3,
					   .tx_bytes = UINT64_C(1) << 50, .mtu = 1400 };
	assert_true(addr_parse_port("192.0.2.1:7474", 0, &p->path[0].remote));
	strcpy(s.unused[s.unused_count].link, "eth0");
	strcpy(s.unused[s.unused_count++].reason, "no carrier");
	s.link_count = 1;
	s.link[0] = (struct status_link){
		.name = "wlan0", .present = true, .tier = "backup", .priority = 255, .weight = 1000,
		.max_latency = MSEC(150), .max_loss_ppm = 30000, .rate = 2500000, .congestion = "fixed",
		.metered = true, .budget = UINT64_C(1) << 50, .budget_used = 5, .budget_left = 7, .budget_reset = 28,
		.budget_until = "28 November", .settings = "tier=backup", .reason = "budget spent",
	};
	json = status_to_json(&s);
	assert_int_equal(status_from_json(json, &back), 0);
	assert_int_equal(back.peer_count, 1);
	assert_memory_equal(&back.peer[0], &s.peer[0], sizeof(s.peer[0]));
	again = status_to_json(&back);
	assert_true(json_equal(again, json));
	json_decref(again);
	status_done(&back);
	wrong = json_string("a line where a number belongs");
	json_object_set_new(json, "mtu", wrong);
	assert_int_equal(status_from_json(json, &back), -EPROTO);
	json_object_set_new(json, "mtu", json_integer(65536));
	assert_int_equal(status_from_json(json, &back), -EPROTO);
	json_decref(json);
	json = json_array();
	assert_int_equal(status_from_json(json, &back), -EPROTO);
	json_decref(json);
	status_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("numbers have three digits at most", numbers_have_three_digits_at_most),
		TEST("paths of one link are told apart", paths_of_one_link_are_told_apart),
		TEST("a link has lines only for what is unusual", a_link_has_lines_only_for_what_is_unusual),
		TEST("a status survives JSON, and nonsense does not",
		     a_status_survives_json_and_nonsense_does_not),
		TEST("a traveller sees state, links, and what is not used",
		     a_traveller_sees_state_links_and_what_is_not_used),
	};

	return RUN_TESTS(tests);
}
