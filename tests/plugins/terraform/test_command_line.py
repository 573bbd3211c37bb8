"""Command lines are read as Terraform reads them."""

from __future__ import annotations

from infratrack_terraform.command_line import (
    given_values,
    helper_environment,
    parse_command_line,
    values_in_environment,
)


def test_a_plan_file_and_global_options_are_found() -> None:
    line = parse_command_line(["/usr/bin/terraform", "-chdir=infra", "apply", "-auto-approve", "tfplan"], {})
    assert (line.tool, line.subcommand, line.chdir, line.plan_file) == ("terraform", "apply", "infra", "tfplan")
    assert line.switched("auto-approve")


def test_options_have_one_dash_or_two_and_a_value_behind_them() -> None:
    line = parse_command_line(["tofu", "plan", "--out", "F", "-var", "a=b", "-lock=false", "-parallelism", "3"], {})
    assert line.value("out") == "F"
    assert line.options["var"] == ("a=b",)
    assert not line.switched("lock", default=True)
    assert line.value("parallelism") == "3"
    assert line.arguments == ()
    assert line.value("target") is None


def test_the_environment_goes_first_and_the_last_option_wins() -> None:
    line = parse_command_line(
        ["terraform", "plan", "-out=typed"],
        {"TF_CLI_ARGS_plan": "-out=special -detailed-exitcode", "TF_CLI_ARGS": "-out=general"},
    )
    assert line.value("out") == "typed"
    assert line.options["out"] == ("special", "general", "typed")
    assert line.switched("detailed-exitcode")


def test_an_environment_that_cannot_be_split_says_nothing() -> None:
    assert parse_command_line(["terraform", "plan"], {"TF_CLI_ARGS": "'"}).options == {}


def test_the_first_argument_that_is_no_option_ends_them() -> None:
    assert parse_command_line(["terraform", "apply", "tfplan", "-json"], {}).arguments == ("tfplan", "-json")
    assert parse_command_line(["terraform", "apply", "--", "-odd"], {}).arguments == ("-odd",)
    assert parse_command_line(["terraform", "apply", "-"], {}).arguments == ("-",)
    assert parse_command_line(["terraform", "plan", "-out"], {}).value("out") == ""


def test_where_there_is_no_subcommand_there_is_none() -> None:
    assert parse_command_line([], {}).subcommand is None
    assert parse_command_line(["terraform"], {}).subcommand is None
    assert parse_command_line(["terraform", "-version"], {}).help


def test_help_is_recognised_wherever_it_stands() -> None:
    assert parse_command_line(["terraform", "-help", "plan"], {}).help
    assert parse_command_line(["terraform", "plan", "-h"], {}).help
    assert parse_command_line(["terraform", "plan", "-help"], {}).help
    assert not parse_command_line(["terraform", "plan"], {}).help


def test_what_is_asked_for_is_told_apart() -> None:
    assert parse_command_line(["terraform", "destroy"], {}).destroys
    assert parse_command_line(["terraform", "plan", "-destroy"], {}).destroys
    assert not parse_command_line(["terraform", "plan", "-destroy=false"], {}).destroys
    assert parse_command_line(["terraform", "refresh"], {}).refresh_only
    assert parse_command_line(["terraform", "apply", "-refresh-only"], {}).refresh_only
    assert parse_command_line(["terraform", "plan", "-target", "a.b"], {}).targeted
    assert not parse_command_line(["terraform", "plan", "-replace=a.b"], {}).targeted
    assert parse_command_line(["terraform", "plan", "x"], {}).plan_file is None


def test_values_given_on_the_command_line_are_secrets() -> None:
    line = parse_command_line(["terraform", "plan", "-var", 'a={"k": "deep secret"}', "-var=b=plain"], {})
    assert given_values(line) == {'{"k": "deep secret"}', "k", "deep secret", "plain"}


def test_values_in_the_environment_are_secrets_where_declared_or_where_nobody_knows() -> None:
    environment = {"TF_VAR_a": "one", "TF_VAR_b": '["two"]', "OTHER": "three"}
    assert values_in_environment(environment, frozenset({"a"})) == {"one"}
    assert values_in_environment(environment, frozenset()) == set()
    assert values_in_environment(environment, None) == {"one", '["two"]', "two"}


def test_our_own_calls_get_the_environment_without_what_changes_them() -> None:
    made = helper_environment(
        {"TF_CLI_ARGS": "x", "TF_CLI_ARGS_plan": "x", "TF_LOG": "x", "TF_DATA_DIR": "d", "TF_WORKSPACE": "w",
         "TF_LOG_PATH": "x", "INFRATRACK_SIGNING_KEY": "k"}
    )  # fmt: skip
    assert made == {
        "TF_DATA_DIR": "d", "TF_WORKSPACE": "w", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1",
        "NO_COLOR": "1",
    }  # fmt: skip
