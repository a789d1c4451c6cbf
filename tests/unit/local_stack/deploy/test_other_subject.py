"""A stack with the data of one table is not started as another's."""

from pathlib import Path

import pytest

from local_stack.deploy import environment_file
from local_stack.errors import OtherSubjectError
from local_stack.settings import StackSettings


def test_data_of_another_table_are_not_mixed(tmp_path: Path) -> None:
    settings = StackSettings(state_dir=tmp_path, subject="diamonds")
    environment_file.check_subject(settings)

    (tmp_path / "env").write_text("HOUSING_BUCKET=b\nHOUSING_SUBJECT=california\n")
    with pytest.raises(OtherSubjectError, match="has the data and models of california"):
        environment_file.check_subject(settings)

    (tmp_path / "env").write_text("HOUSING_SUBJECT=diamonds\n")
    environment_file.check_subject(settings)
