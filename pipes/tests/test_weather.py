"""Reading a day's file."""

from datetime import date

import pytest

from pipes.incoming import SAMPLES
from pipes.rules import RULES
from pipes.weather import NotWeatherError, WeatherDay, read_weather

HEADER = b"date,precipitation_mm,temp_max_c,temp_min_c,wind_m_per_s,weather\n"


def test_reads_a_sample() -> None:
    content = (SAMPLES / "weather-2012-01-02.csv").read_bytes()
    assert read_weather(content) == [WeatherDay(date(2012, 1, 2), 10.9, 10.6, 2.8, 4.5, "rain")]


def test_every_sample_is_good() -> None:
    samples = sorted(SAMPLES.glob("*.csv"))
    assert len(samples) == 91
    for path in samples:
        day = date.fromisoformat(path.stem.removeprefix("weather-"))
        assert [rule.problem(read_weather(path.read_bytes()), day) for rule in RULES] == [
            None
        ] * len(RULES)


def test_windows_line_ends_and_byte_order_mark() -> None:
    content = b"\xef\xbb\xbf" + HEADER.replace(b"\n", b"\r\n") + b"2012-01-02,1,2,1,3,rain\r\n\r\n"
    assert [day.date for day in read_weather(content)] == [date(2012, 1, 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the header is '', not 'date,"),
        (b"\x00\x01", "line 1: the header is"),
        (b"date;rain\n", "line 1: the header is 'date;rain'"),
        (HEADER + b"2012-01-02,1,2\n", "line 2: 3 values, not 6"),
        (HEADER + b"2012-01-02,1,2,1,3,rain,sun\n", "line 2: 7 values, not 6"),
        (HEADER + b"02.01.2012,1,2,1,3,rain\n", "line 2: date '02.01.2012' is not a date"),
        (HEADER + b"2012-01-02,much,2,1,3,rain\n", "line 2: precipitation_mm 'much' is not"),
        (
            HEADER + b"2012-01-02,1,2,1,3,rain\n2012-01-03,1,,1,3,rain\n",
            "line 3: temp_max_c '' is not a number",
        ),
        (HEADER + b"2012-01-02,1,2,1,3,\xff\n", "line 2: not UTF-8 text"),
        (HEADER + b'2012-01-02,1,2,1,3,"rain\n', "line 2: unexpected end of data"),
    ],
)
def test_says_where_and_why(content: bytes, message: str) -> None:
    with pytest.raises(NotWeatherError) as raised:
        read_weather(content)
    assert str(raised.value).startswith(message)
