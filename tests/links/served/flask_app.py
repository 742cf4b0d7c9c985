from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    return f"<h1>Flask says 1</h1><p id=host>{request.host_url}</p>"


if __name__ == "__main__":
    app.run(port=30100, debug=True, reloader_type="stat")  # with watchdog 7 it sees no change, in no Linux
