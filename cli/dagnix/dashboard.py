"""The webserver, asked through Dagster's own GraphQL client."""

from dagnix import UserError
from dagnix.project import Project


def reload_location(project: Project, name: str) -> None:
    """Reload a code location, and return when the webserver has its new definitions.

    Raises:
        UserError: the webserver does not answer, or the location does not load.

    """
    # Imports all of Dagster, which takes a second.
    from dagster_graphql import (  # noqa: PLC0415
        DagsterGraphQLClient,
        DagsterGraphQLClientError,
        ReloadRepositoryLocationStatus,
    )
    from requests.exceptions import RequestException  # noqa: PLC0415

    try:
        client = DagsterGraphQLClient("127.0.0.1", port_number=project.port)
        info = client.reload_repository_location(name)
    except (DagsterGraphQLClientError, RequestException) as error:
        raise UserError(
            f"{project.url} does not reload the code location {name}: {error}"
        ) from error
    if info.status is not ReloadRepositoryLocationStatus.SUCCESS:
        raise UserError(f"The code location {name} does not load: {info.message}")
