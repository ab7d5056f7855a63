import java.io.*;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Apache Kafka's command-line tools one after the other in one JVM, so that comparing with them is quick.
 *
 * A request is a line: class, file for standard input (or "-"), arguments, separated by the unit separator. The answer
 * is a line with the exit code and the lengths of standard output and standard error, then their bytes.
 */
public class ToolRunner {
    /** Unwinds the tool, which may well catch it and exit again: the first exit is the one that counts. */
    static class Exited extends RuntimeException {
        Exited() {
            super(null, null, false, false);
        }
    }

    static Integer code;
    static int outputEnd;
    static int errorsEnd;
    static ByteArrayOutputStream output;
    static ByteArrayOutputStream errors;

    static void exit(int status) {
        if (code == null) {
            System.out.flush();
            System.err.flush();
            code = status;
            outputEnd = output.size();
            errorsEnd = errors.size();
        }
        throw new Exited();
    }

    public static void main(String[] ignored) throws Exception {
        PrintStream answers = System.out;
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Exit.setExitProcedure((status, message) -> exit(status));
        Exit.setHaltProcedure((status, message) -> exit(status));
        for (String request = requests.readLine(); request != null; request = requests.readLine()) {
            String[] words = request.split("\u001f", -1);
            code = null;
            output = new ByteArrayOutputStream();
            errors = new ByteArrayOutputStream();
            System.setOut(new PrintStream(output, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
            System.setIn(words[1].equals("-") ? InputStream.nullInputStream() : new FileInputStream(words[1]));
            run(words[0], Arrays.copyOfRange(words, 2, words.length));
            answers.printf("%d %d %d%n", code, outputEnd, errorsEnd);
            answers.write(output.toByteArray(), 0, outputEnd);
            answers.write(errors.toByteArray(), 0, errorsEnd);
            answers.flush();
        }
    }

    static void run(String tool, String[] arguments) throws Exception {
        int status = 0;
        try {
            Class.forName(tool).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (InvocationTargetException wrapped) {
            if (code == null) {
                wrapped.getCause().printStackTrace();
                status = 1;
            }
        }
        if (code == null) {
            try {
                exit(status);
            } catch (Exited recorded) {
                // The tool ended by itself; its streams are complete now.
            }
        }
    }
}
