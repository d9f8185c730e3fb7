"""What the dashboard shows of one workspace: figures as typed values, and the page that draws them. Either door can hand them out."""
