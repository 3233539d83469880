"""The pages, a file each; show() draws one. (A folder named `pages` would be navigation of Streamlit's own.)"""
