using System.Globalization;
using System.Text;

namespace Emulator.Frontend.CommandLine;

/// <summary>
/// The escapes of <c>--send</c>: \n and \r both send a carriage return, as the Enter key of a terminal does; \t, \b, \e, \0, \\ and \xNN are
/// the byte of that name (so \x0a is a line feed). Everything else is sent as UTF-8.
/// </summary>
internal static class TextEscapes
{
    /// <summary>Turns text with escapes into bytes.</summary>
    /// <exception cref="UsageException">An escape is not known.</exception>
    public static byte[] ToBytes(string text)
    {
        List<byte> bytes = [];
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                int length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                bytes.AddRange(text[i] == '\n' ? "\r"u8.ToArray() : Encoding.UTF8.GetBytes(text.Substring(i, length)));
                i += length - 1;
                continue;
            }

            i++;
            switch (i < text.Length ? text[i] : '\0')
            {
                case 'n' or 'r':
                    bytes.Add((byte)'\r');
                    break;
                case 't':
                    bytes.Add((byte)'\t');
                    break;
                case 'b':
                    bytes.Add((byte)'\b');
                    break;
                case 'e':
                    bytes.Add(0x1B);
                    break;
                case '0':
                    bytes.Add(0);
                    break;
                case '\\':
                    bytes.Add((byte)'\\');
                    break;
                case 'x' when i + 2 < text.Length
                    && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value):
                    bytes.Add(value);
                    i += 2;
                    break;
                default:
                    throw new UsageException($"'{text}': unknown escape at '{text[(i - 1)..]}'; known are \\n \\r \\t \\b \\e \\0 \\\\ \\xNN");
            }
        }

        return [.. bytes];
    }
}
