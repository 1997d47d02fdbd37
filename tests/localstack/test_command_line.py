"""The command line of the local stack, as far as it needs no stack."""

import pytest

from localstack.__main__ import main


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "", "\N{SUPERSCRIPT TWO}"])
def test_a_bad_port_is_refused_with_the_range(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", f"--port={port}"])
    assert ended.value.code == 2
    assert "PORT must be a number from 1 to 65535" in capsys.readouterr().err
