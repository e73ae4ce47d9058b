count() {
    words=$(printf '%s' "$input_text" | wc -w)
    echo "counted $((words)) words"
    output words "$((words))"
    output longest "$(printf '%s' "$input_text" |
        awk '{ for (n = 1; n <= NF; n++) if (length($n) > length(best)) best = $n } END { printf "%s", best }')"
}
