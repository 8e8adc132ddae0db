"""From any picture a person may hand over to the array a network takes."""
