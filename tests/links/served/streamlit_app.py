import streamlit

streamlit.title("Streamlit says 1")
if streamlit.button("Press"):
    streamlit.write("pressed")
