/* worker_user: names and numbers of this machine's own user database. */
#include "supervisor/worker_user.h"
#include "tap.h"

static void only_a_user_without_rights_will_do(void **state)
{
	static const char *const refused[] = { "root", "0", "no-such-user", "12x", "-1", "4294967295" };
	uid_t uid;
	gid_t gid;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(worker_user(refused[i], &uid, &gid));
}

static void a_number_need_not_have_a_name(void **state)
{
	uid_t uid = 0;
	gid_t gid = 0;

	(void)state;
	assert_true(worker_user("54321", &uid, &gid));
	assert_int_equal(uid, 54321);
	assert_int_equal(gid, 54321);
}

static void without_a_wish_it_is_nobody_else_s(void **state)
{
	uid_t uid = 0;
	gid_t gid = 0;

	(void)state;
	assert_true(worker_user("", &uid, &gid));
	assert_true(uid > 0 && gid > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("only a user without rights will do", only_a_user_without_rights_will_do),
		TEST("a number need not have a name", a_number_need_not_have_a_name),
		TEST("without a wish it is nobody else's", without_a_wish_it_is_nobody_else_s),
	};

	return RUN_TESTS(tests);
}
